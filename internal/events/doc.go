// Package events makes every event a line in the log as well as a row in the store. A store keeps an event in the same
// step as the change it describes; [Recorder] stands around a store and writes the line once that step has succeeded, so
// that log and audit trail tell the same story.
package events
