package config

import (
	_ "embed"
)

// Example is the commented configuration that init writes. Tests hold it to parse
// without a fault and to show every key.
//
//go:embed signpost.example.toml
var Example string

// ExampleSecretFile is the secret_file that Example names.
const ExampleSecretFile = "/etc/signpost/signpost.secret"
