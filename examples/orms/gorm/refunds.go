package shop

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A refund's way: requested, approved, past the gate, sent, recorded.

// ErrNotOpen says that a refund is rejected, failed or paid already: nothing is to be sent.
var ErrNotOpen = errors.New("the refund is not open")

var worker = Actor{Name: "worker:refunds"}

// Answer is what came of a refund.
type Answer struct {
	ID        int64  `json:"id"`
	Status    string `json:"status"`
	Reference string `json:"reference"`
}

// RequestRefund adds the refund's row and returns its key.
func RequestRefund(db *gorm.DB, payment int64, amount decimal.Decimal, actor Actor) (int64, error) {
	refund := Refund{PaymentID: payment, Amount: amount}
	err := Run(db, actor, func(tx *gorm.DB) error {
		// the database locks the payment, whose refunds it adds up; where a transaction
		// refunds several, it takes them in the order of their keys
		var paid Payment
		if err := tx.Clauses(clause.Locking{Strength: "NO KEY UPDATE"}).Take(&paid, payment).Error; err != nil {
			return err
		}
		refund.Currency = paid.Currency
		return tx.Create(&refund).Error
	})
	return refund.ID, err
}

// ApproveRefund is for somebody else than who requested it; the database sees to that.
func ApproveRefund(db *gorm.DB, refund int64, actor Actor) error {
	return Run(db, actor, func(tx *gorm.DB) error {
		return tx.Exec("SELECT paysafe.approve('refund', ?, ?)", fmt.Sprint(refund), actor.Reason).Error
	})
}

// PayRefund passes the gate first, and that is committed; then it calls the provider; then
// it records what came of it.  However often it is called, by however many workers, the
// money is sent once.
func PayRefund(db *gorm.DB, refund int64, provider *Provider) (Answer, error) {
	var claim struct {
		Outcome string
		Attempt int
		Body    string
	}
	key := fmt.Sprintf("refund-%d", refund)
	err := Run(db, Actor{}, func(tx *gorm.DB) error {
		return tx.Raw(`SELECT outcome, attempt, convert_from(body, 'UTF8') AS body
			FROM paysafe.idempotency_begin('refunds', ?, ?, 'shop', 'claimed')`,
			key, key).Scan(&claim).Error
	})
	if err != nil {
		return Answer{}, err
	}
	if claim.Outcome == "replay" {
		var answer Answer
		return answer, json.Unmarshal([]byte(claim.Body), &answer)
	}
	answer, err := attempt(db, refund, provider, key, claim.Attempt)
	if err != nil {
		// the next attempt need not wait for the end of the lease; where this fails, it waits
		_ = Run(db, Actor{}, func(tx *gorm.DB) error {
			return tx.Exec("SELECT paysafe.idempotency_fail('refunds', ?, ?, 'it was not paid', 'shop')",
				key, claim.Attempt).Error
		})
	}
	return answer, err
}

func attempt(db *gorm.DB, refund int64, provider *Provider, key string, number int) (Answer, error) {
	var asked Asked
	answer := Answer{ID: refund, Status: "paid"}
	// refused here if somebody else has to approve it, while nobody has been paid
	err := Run(db, worker, func(tx *gorm.DB) error { return passTheGate(tx, refund, &asked) })
	if err != nil {
		return answer, err
	}
	// also the next attempt, when an answer was lost: the key is the refund's
	answer.Reference, err = provider.Refund(asked, key)
	if errors.Is(err, ErrDeclined) {
		answer.Status = "failed"
	} else if err != nil {
		return answer, err
	}
	return answer, Run(db, worker, func(tx *gorm.DB) error { return record(tx, answer, key, number) })
}

func passTheGate(tx *gorm.DB, refund int64, asked *Asked) error {
	var row Refund
	locked := clause.Locking{Strength: "UPDATE", Table: clause.Table{Name: "refund"}}
	if err := tx.Clauses(locked).Preload("Payment").Take(&row, refund).Error; err != nil {
		return err
	}
	*asked = Asked{row.Payment.ProviderID, row.Amount, row.Currency}
	switch row.Status {
	case "requested":
		row.Status = "executing"
		return Save(tx, &row)
	case "executing":
		return nil
	}
	return fmt.Errorf("%w: %s", ErrNotOpen, row.Status)
}

func record(tx *gorm.DB, answer Answer, key string, number int) error {
	var row Refund
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&row, answer.ID).Error; err != nil {
		return err
	}
	row.Status = answer.Status
	status := 409
	if answer.Reference != "" {
		row.ProviderReference = &answer.Reference
		status = 200
	}
	if err := Save(tx, &row); err != nil {
		return err
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return tx.Exec("SELECT paysafe.idempotency_finish('refunds', ?, ?, ?, NULL, ?, 'shop')",
		key, number, status, string(body)).Error
}
