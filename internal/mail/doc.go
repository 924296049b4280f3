// Package mail turns queued mails into messages and sends them.
//
// It owns the wording of every mail (templates, by language), the form of a message on the wire, the links that carry
// tokens, the ways of sending ([SMTPSender], [SendGridSender], [SESSender], [LogSender]) and the worker of the queue ([Queue]).
//
// It does not decide who gets a mail and keeps nothing: entries come from a [hub.MailStore], and what stands in a letter,
// the token of its link included, comes at the moment of sending from Queue.Prepare, which package auth provides. So
// no link is ever stored, and a request takes the same time whether somebody has the address or not.
//
// # Promises
//
// A queued mail is sent at least once or ends as dropped or dead, whatever dies in between. It is sent twice only if the
// process, the store or the connection fails between the server's acceptance and our note of it. Nothing here logs or
// stores an address, a name or a link, except the LogSender: that one logs recipients, and links if told to. What a mail
// service said about a refusal travels with the error, but only [Words] shows it.
package mail
