"""Who may do what, and who did: keys, their scope, the audit log."""
