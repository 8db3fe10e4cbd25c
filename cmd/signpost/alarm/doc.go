// Package alarm finds out what ails the service, and tells until it is acknowledged.
//
// What stands here: Alarms, the machine that raises, repeats and ends alarms (alarm.go), by
// a webhook (webhook.go) and by mail (mail.go); and Subject, the Source of troubles, one
// file each: a mailbox that is not read or was switched off (mailboxes.go), mail that
// does not leave (outbox.go), answers (answers.go, rate.go), refusals, throttled
// confirmations, tokens, the disk, the canary, guessed passwords, lists in front of a
// mailbox. words.go makes harmless what others wrote.
//
// A call flows so: every 15 seconds, or when kicked, Alarms ask their Source for all
// troubles of now; a key that is new is an alarm that is raised, one that is gone for two
// minutes is over. Each is written to the store, shown by the metric and told by every
// way that has not told of it, in this order.
//
// To add a trouble: a method of Subject that returns store.Troubles, each with a key that
// stays while it lasts, words, what mends it, and a level that rises when it gets worse;
// and its name in asSaid. To add a way of telling: a told beside hook and post in alarm.
package alarm
