package webhook

// KnownWebhooks is how many ids the registry holds in memory.
func KnownWebhooks(r *Registry) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}
