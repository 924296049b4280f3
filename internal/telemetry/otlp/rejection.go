package otlp

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

var errAnswer = errors.New("the collector's answer is malformed")

// Fields of the answer (opentelemetry/proto/collector/trace/v1/trace_service.proto), whose package needs gRPC.
const (
	partialSuccess = protowire.Number(1) // of the answer
	rejectedSpans  = protowire.Number(1) // of that
	rejectedWhy    = protowire.Number(2)
)

// rejection returns the error that an answer tells of although it says 200: some spans were not taken.
func rejection(answer []byte) error {
	var rejected uint64
	var why []byte
	err := eachField(answer, func(number protowire.Number, _ uint64, part []byte) error {
		if number != partialSuccess {
			return nil
		}
		return eachField(part, func(number protowire.Number, n uint64, text []byte) error {
			switch number {
			case rejectedSpans:
				rejected = n
			case rejectedWhy:
				why = text
			}
			return nil
		})
	})
	if err != nil || rejected == 0 && len(why) == 0 {
		return err
	}
	return fmt.Errorf("the collector rejected %d spans: %s", rejected, why)
}

// eachField calls visit with the fields of a message that are numbers or bytes.
func eachField(message []byte, visit func(protowire.Number, uint64, []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errAnswer
		}
		message = message[n:]
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return errAnswer
		}
		var err error
		switch kind {
		case protowire.VarintType:
			value, _ := protowire.ConsumeVarint(message)
			err = visit(number, value, nil)
		case protowire.BytesType:
			value, _ := protowire.ConsumeBytes(message)
			err = visit(number, 0, value)
		}
		if err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}
