// Package e2e holds the stories that run the real program against real servers, and the
// benchmarks that measure it; it has nothing but tests, behind the tags e2e and bench.
//
// What stands here: the mail host of Postfix and Dovecot (servers_test.go), the program
// as an operator runs it (service_test.go), Chromium (browser_test.go), gates that cut a
// connection at a chosen line (gate_test.go), and one file a story. A call flows so: a
// story starts the mail host and a service, writes mail or posts the form as a stranger
// would, waits for what must come about, and looks into the stopped service's store.
//
// To add a story: a TestE2E... in a file of its subject with the tag e2e; make e2e runs it.
// To add a measure: a TestBench... in a bench_ file with the tag bench, printed as a figure.
package e2e
