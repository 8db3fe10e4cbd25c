package triage

// readReports reads what the mail reports of other mails.
func (m *message) readReports() {}
