package main

// canaryPrefix is of the numbers of its tickets.
const canaryPrefix = "CANARY"
