"""Schema revisions, run when a store is opened; a revision is never changed once it has been released."""
