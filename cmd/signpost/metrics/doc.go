// Package metrics is what Prometheus reads at /metrics. No label ever holds an address.
//
// What stands here: Metrics with the counters that others move (metrics.go), and what
// is read from its source whenever Prometheus asks: the store's counts (store.go) and
// when credentials end (accounts.go). Commits (commits.go) counts the store's commits
// for /ops/health as well. A call flows so: New makes the registry, the
// wiring hands SenderObserver, WatchObserver and ObserveCommit to the rooms that have
// something to count and calls the Watch... methods for what is to be read, and Handler
// serves all of it.
//
// To add a metric: a field and its registration in New where events are counted, a
// prometheus.Desc in store.go where the store knows the number already. Names and labels
// that have landed stay.
package metrics
