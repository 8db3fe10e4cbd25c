// Package duty has this process do what one process at a time does, such as watching a
// mailbox, only while it holds the duty of that name (store.Duties).
//
// A call flows so: Holder.Doing wraps a loop of the service; it takes the duty, waiting
// while another process has it, runs the loop under the duty's fence, renews the duty in
// time, and gives it up when the loop ends, so that another process takes over at once.
//
// To add a duty: wrap its loop where the stages of the service are listed.
package duty
