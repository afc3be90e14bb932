package shop

import (
	"errors"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// ErrDeclined is the provider's: there is no such money to send, and will not be.
var ErrDeclined = errors.New("declined")

// ErrAnswerLost says that it may have been sent, or not.
var ErrAnswerLost = errors.New("no answer")

// Provider is in place of a payment provider's library.  Like theirs, it does once what it
// is asked for twice under one key.
type Provider struct {
	Sent                   map[string]string
	Calls                  int
	Declines, LosesAnswers bool
}

// Asked is what the provider is to send back.
type Asked struct {
	Payment  string
	Amount   decimal.Decimal
	Currency string
}

// Refund sends the money back and returns the provider's reference.
func (p *Provider) Refund(asked Asked, idempotencyKey string) (string, error) {
	p.Calls++
	if p.Declines {
		return "", ErrDeclined
	}
	if p.Sent == nil {
		p.Sent = map[string]string{}
	}
	if p.Sent[idempotencyKey] == "" {
		p.Sent[idempotencyKey] = "re_" + uuid.NewString()
	}
	if p.LosesAnswers {
		return "", ErrAnswerLost
	}
	return p.Sent[idempotencyKey], nil
}
