package shop

import (
	"errors"
	"fmt"
	"testing"

	"gorm.io/gorm"
)

// A second person before the money leaves, and the money leaves once.

const (
	approval = "paysafe_refund_approval"
	approver = "paysafe_approval_record_approval"
)

var (
	ann = Actor{"user:17", "arrived broken"}
	bob = Actor{"user:23", "photo checked"}
)

func requested(t *testing.T, amount string) int64 {
	t.Helper()
	refund, err := RequestRefund(db, captured(t, "2000").ID, money(amount), ann)
	passes(t, err)
	return refund
}

func TestBelowTheThreshold(t *testing.T) {
	answer, err := PayRefund(db, requested(t, "500"), &Provider{})
	passes(t, err)
	same(t, answer.Status, "paid")
}

func TestTheGateIsBeforeTheProvider(t *testing.T) {
	refund, provider := requested(t, "900"), &Provider{}
	_, err := PayRefund(db, refund, provider)
	contains(t, refused(t, err, "42501", approval).Hint, "paysafe.approve")
	same(t, provider.Calls, 0)
	same(t, find[Refund](t, refund).Status, "requested")
}

func TestNotByWhoRequestedIt(t *testing.T) {
	err := ApproveRefund(db, requested(t, "900"), Actor{"User:17", "it is fine"})
	refused(t, err, "42501", approver)
}

func TestApprovedBySomebodyElse(t *testing.T) {
	refund, provider := requested(t, "900"), &Provider{}
	_, err := PayRefund(db, refund, provider)
	refused(t, err, "42501", approval)
	passes(t, ApproveRefund(db, refund, bob))
	answer, err := PayRefund(db, refund, provider)
	passes(t, err)
	same(t, answer.Status, "paid")
	again, err := PayRefund(db, refund, provider)
	passes(t, err)
	same(t, again, answer)
	same(t, provider.Calls, 1)
	same(t, find[Refund](t, refund).Status, "paid")
}

func TestAnAnswerIsLost(t *testing.T) {
	refund, provider := requested(t, "100"), &Provider{LosesAnswers: true}
	if _, err := PayRefund(db, refund, provider); !errors.Is(err, ErrAnswerLost) {
		t.Fatal(err)
	}
	same(t, find[Refund](t, refund).Status, "executing")
	provider.LosesAnswers = false
	answer, err := PayRefund(db, refund, provider)
	passes(t, err)
	same(t, provider.Sent, map[string]string{fmt.Sprintf("refund-%d", refund): answer.Reference})
}

func TestDeclined(t *testing.T) {
	refund, provider := requested(t, "100"), &Provider{Declines: true}
	for range 2 {
		answer, err := PayRefund(db, refund, provider)
		passes(t, err)
		same(t, answer.Status, "failed")
		provider.Declines = false
	}
	same(t, len(provider.Sent), 0)
}

func TestRejected(t *testing.T) {
	refund, provider := requested(t, "900"), &Provider{}
	passes(t, Run(db, bob, func(tx *gorm.DB) error {
		return tx.Model(&Refund{}).Where("id = ?", refund).Update("status", "rejected").Error
	}))
	if _, err := PayRefund(db, refund, provider); !errors.Is(err, ErrNotOpen) {
		t.Fatal(err)
	}
	same(t, provider.Calls, 0)
}

func TestTheClaimEndsWithTheTransaction(t *testing.T) {
	refund := requested(t, "900")
	passes(t, Run(db, bob, func(tx *gorm.DB) error { return tx.Exec("SELECT 1").Error }))
	refused(t, ApproveRefund(db, refund, Actor{Reason: "me?"}), "42501", approver)
}
