package replica

// Runs reports whether Run has begun.
func (s *Store) Runs() bool { return s.running.Load() }
