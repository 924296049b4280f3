package mongostore

// Stall has the store lose what it would hand to its flusher, as if the process died after each step.
func (s *Store) Stall() {
	s.flusher.close()
	ended := make(chan struct{})
	close(ended)
	s.flusher = &flusher{
		store: s, deliveries: make([]delivery, maxWaiting), progress: make(chan struct{}),
		work: make(chan struct{}, 1), hurry: make(chan struct{}, 1), quit: make(chan struct{}), ended: ended,
	}
}
