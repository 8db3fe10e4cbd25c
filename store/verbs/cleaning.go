package verbs

import (
	"bytes"
	"errors"
	"fmt"

	"signpost/store"
	"signpost/store/text"
)

// What a migration does to a row that holds a text which is no valid UTF-8 or has a NUL:
// its texts are cleaned, and the index rows that were made of them are made anew.

// cleanerOf cleans a row of a bucket, which mover.unclean names.
func cleanerOf(b bucket) func(t *txn, r movedRow) error {
	switch b {
	case bTickets:
		return (*txn).cleanTicket
	case bOutbounds:
		return (*txn).cleanOutbound
	case bInbounds:
		return (*txn).cleanInbound
	case bAgents:
		return (*txn).cleanAgent
	case bAlarms:
		return (*txn).cleanAlarm
	case bSuppressions:
		return (*txn).cleanSuppression
	case bRefusals:
		return (*txn).cleanRefusal
	case bDomainHours:
		return (*txn).cleanDomainHour
	}
	return func(*txn, movedRow) error { return fmt.Errorf("rows of %s are not cleaned", nameOf(b)) }
}

// rekey moves a row whose value stays.
func (t *txn) rekey(b bucket, from, to []byte) error {
	value := bytes.Clone(t.value(b, from))
	if value == nil || bytes.Equal(from, to) {
		return nil
	}
	if err := t.delete(b, from); err != nil {
		return err
	}
	return t.put(b, to, value)
}

func requesterKey(k store.Ticket) []byte {
	return digestID(digestOf(store.AddressKey(k.Requester.Email)), uint64(k.ID))
}

// cleanTicket is of a ticket that is clean already; the row's value is what it was found
// under by its requester.
func (t *txn) cleanTicket(r movedRow) error {
	k, err := t.ticket(store.TicketID(readU64(r.key)))
	if err != nil {
		return err
	}
	if err := t.rekey(bRequesters, r.value, requesterKey(k)); err != nil {
		return err
	}
	mails, err := t.mailsOf(k.ID)
	for _, row := range mails {
		if err == nil {
			err = t.indexRecipient(row)
		}
	}
	return err
}

func (t *txn) cleanOutbound(r movedRow) error {
	row, err := t.outbound(store.OutboundID(readU64(r.key)))
	if err != nil {
		return err
	}
	was := row
	text.Clean(&row)
	err = t.rekey(bOutMessages, append(messageKeyPrefix(was.MessageID), r.key...),
		append(messageKeyPrefix(row.MessageID), r.key...))
	if err == nil {
		err = t.delete(bOutRecipients, recipientKey(was))
	}
	if err == nil {
		err = t.moveDomain(was, row)
	}
	if err == nil {
		err = t.putOutbound(row)
	}
	if err == nil {
		err = t.indexRecipient(row)
	}
	return err
}

// moveDomain brings a waiting row into the queue, or the leases, of its other domain.
func (t *txn) moveDomain(was, row store.Outbound) error {
	if from, to := domainOf(was.To), domainOf(row.To); from == to || !row.State.Waiting() {
		return nil
	}
	if !t.has(bOutbox, leaseKey(was)) {
		if err := t.dequeue(was); err != nil {
			return err
		}
		return t.enqueue(row)
	}
	if err := t.unlease(was); err != nil {
		return err
	}
	return t.putLease(row)
}

func (t *txn) cleanInbound(r movedRow) error {
	row, err := t.inbound(store.InboundID(readU64(r.key)))
	if err != nil {
		return err
	}
	was, err := t.inbound(row.ID) // a row of its own: cleaning changes slices in place
	if err != nil {
		return err
	}
	text.Clean(&row)
	if was.MessageID != "" && row.MessageID == "" {
		err = t.delete(bInMessages, inMessageKey(was))
	} else {
		err = t.rekey(bInMessages, inMessageKey(was), inMessageKey(row))
	}
	for _, index := range inboundIndexes(was) {
		if err == nil {
			err = t.delete(index.bucket, index.key)
		}
	}
	for _, index := range inboundIndexes(row) {
		if err == nil {
			err = t.put(index.bucket, index.key, []byte{})
		}
	}
	if err != nil {
		return err
	}
	return t.putInbound(row)
}

func inMessageKey(row store.Inbound) []byte {
	return digestID(messageDigest(row.MessageID), uint64(row.ID))
}

// apart is a name that was unlike another until both were cleaned.
func apart(name string, id []byte) string { return fmt.Sprintf("%s (%d)", name, readU64(id)) }

func (t *txn) cleanAgent(moved movedRow) error {
	var r agentRecord
	if err := t.record(bAgents, moved.key, &r); err != nil {
		return err
	}
	was := digestOf(store.AddressKey(r.Email))
	text.Clean(&r)
	is := digestOf(store.AddressKey(r.Email))
	if was != is && t.has(bAgentNames, is[:]) {
		r.Email = apart(r.Email, moved.key)
		is = digestOf(store.AddressKey(r.Email))
	}
	if err := t.rekey(bAgentNames, was[:], is[:]); err != nil {
		return err
	}
	return t.putRecord(bAgents, moved.key, &r)
}

func (t *txn) cleanAlarm(moved movedRow) error {
	var r alarmRecord
	if err := t.record(bAlarms, moved.key, &r); err != nil {
		return err
	}
	was := digestOf(r.Key)
	text.Clean(&r)
	is := digestOf(r.Key)
	if r.Over == 0 {
		if was != is && t.has(bAlarmKeys, is[:]) {
			r.Key = apart(r.Key, moved.key)
			is = digestOf(r.Key)
		}
		if err := t.rekey(bAlarmKeys, was[:], is[:]); err != nil {
			return err
		}
	}
	return t.putRecord(bAlarms, moved.key, &r)
}

// cleanSuppression keeps the one there is where two are of the same address now.
func (t *txn) cleanSuppression(moved movedRow) error {
	was := digest(moved.key)
	r, err := t.suppression(was)
	if err != nil {
		return err
	}
	text.Clean(&r)
	is := r.key()
	if is == was {
		return t.putRecord(bSuppressions, is[:], &r)
	}
	if err := t.forgetSuppression(was); err != nil {
		return err
	}
	if r.Expires != 0 {
		if err := t.dropExpiry(expirySuppression, was, instant(r.Expires)); err != nil {
			return err
		}
	}
	if t.has(bSuppressions, is[:]) {
		return nil
	}
	if r.Expires != 0 {
		if err := t.put(bExpiry, expiryKey(instant(r.Expires), expirySuppression, is), []byte{}); err != nil {
			return err
		}
	}
	if err := t.put(bSupOrder, u64(r.ID), is[:]); err != nil {
		return err
	}
	return t.putRecord(bSuppressions, is[:], &r)
}

// cleanRefusal adds the cases of one to those of another that has the same words now.
func (t *txn) cleanRefusal(moved movedRow) error {
	was := digest(moved.key)
	var r, other refusalRecord
	if err := t.record(bRefusals, moved.key, &r); err != nil {
		return err
	}
	if err := t.takeRefusal(was, r); err != nil {
		return err
	}
	text.Clean(&r)
	is := r.key()
	switch err := t.record(bRefusals, is[:], &other); {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	default:
		if err := t.takeRefusal(is, other); err != nil {
			return err
		}
		r.Count += other.Count
		r.First, r.Last = min(r.First, other.First), max(r.Last, other.Last)
	}
	return t.putRefusal(is, r)
}

// cleanDomainHour adds what was counted under a name to that of the clean name.
func (t *txn) cleanDomainHour(r movedRow) error {
	n, err := readTally(t.value(bDomainHours, r.key))
	if err != nil {
		return err
	}
	hour, to := readU32(r.key), []byte(text.Valid(string(r.key[4:])))
	to = append(u32(hour), to...)
	if err := t.delete(bDomainHours, r.key); err != nil {
		return err
	}
	if len(to) == 4 || t.has(bDomainHours, to) || t.tallies.domains[string(to)] != nil {
		named := readU32(t.value(bDomainHours, namedKey(hour)))
		if err := t.put(bDomainHours, namedKey(hour), u32(named-1)); err != nil {
			return err
		}
	}
	into, err := t.tally(bDomainHours, &t.tallies.domains, to)
	if err != nil {
		return err
	}
	into.Add(n)
	return nil
}
