package shop

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/shopspring/decimal"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// What is wrong is refused, and arrives as pgx's own error.

const (
	status  = "paysafe_payment_status"
	ledger  = "paysafe_ledger_entry_ledger"
	balance = "paysafe_wallet_balance"
)

func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Fatalf("%q is not in %q", part, text)
	}
}

func TestStatusSetBack(t *testing.T) {
	payment := captured(t, "100")
	payment.Status = "authorized"
	refusal := refused(t, Save(db, payment), "23T01", status)
	same(t, refusal.Column, "status")
	contains(t, refusal.Message, `from "captured" to "authorized"`)
	contains(t, refusal.Hint, "paysafe.status_diagram")
	refused(t, db.Save(payment).Error, "23T01", status)
	refused(t, db.Model(&Payment{}).Where("id = ?", payment.ID).Update("status", "cancelled").Error, "23T01", status)
}

func TestStatusSetBackByAnUpsert(t *testing.T) {
	payment := captured(t, "100")
	again := Payment{ProviderID: payment.ProviderID, Amount: money("100"), Status: "authorized"}
	refused(t, db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "provider_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"status"}),
	}).Create(&again).Error, "23T01", status)
}

func TestFirstStatus(t *testing.T) {
	payment := Payment{ProviderID: providerKey(), Amount: money("5"), Captured: money("5"), Status: "captured"}
	refused(t, db.Create(&payment).Error, "23T02", status)
}

func TestDelete(t *testing.T) {
	refused(t, db.Delete(captured(t, "100")).Error, "23T03", status)
}

func TestAmountOfACapturedPayment(t *testing.T) {
	payment := captured(t, "100")
	payment.Amount = money("9000")
	refused(t, Save(db, payment), "23R03", "paysafe_payment_payment")
}

func TestMoreRefundsThanCaptured(t *testing.T) {
	payment := captured(t, "100")
	payment.Refunds = []Refund{{Amount: money("80")}, {Amount: money("21")}}
	refused(t, db.Save(payment).Error, "23R01", "paysafe_refund_refund")
}

func TestUnbalancedEntriesAtCommit(t *testing.T) {
	ann, _, _ := wallets(t)
	written := false
	refused(t, Run(db, Actor{}, func(tx *gorm.DB) error {
		_, err := Post(tx, map[int64]decimal.Decimal{ann: money("5")})
		written = err == nil
		return err
	}), "23L02", ledger)
	same(t, written, true)
}

func TestPostedAlready(t *testing.T) {
	ann, bob, _ := wallets(t)
	transaction := uuid.New()
	post := func() error {
		return db.Create(&[]LedgerEntry{
			{Transaction: transaction, WalletID: ann, Amount: money("-5")},
			{Transaction: transaction, WalletID: bob, Amount: money("5")},
		}).Error
	}
	passes(t, post())
	refused(t, post(), "23L04", ledger)
}

func TestEntryChangedOrDeleted(t *testing.T) {
	ann, bob, _ := wallets(t)
	var transaction uuid.UUID
	passes(t, Run(db, Actor{}, func(tx *gorm.DB) (err error) {
		transaction, err = Post(tx, map[int64]decimal.Decimal{ann: money("-5"), bob: money("5")})
		return err
	}))
	var entry LedgerEntry
	passes(t, db.Where(&LedgerEntry{Transaction: transaction}).Take(&entry).Error)
	entry.Amount = money("1")
	refused(t, db.Save(&entry).Error, "23L01", ledger)
	refused(t, db.Delete(&entry).Error, "23L01", ledger)
}

func TestOverdraft(t *testing.T) {
	ann, _, fees := wallets(t)
	refusal := refused(t, Run(db, Actor{}, func(tx *gorm.DB) error {
		_, err := Post(tx, map[int64]decimal.Decimal{ann: money("-1001"), fees: money("1001")})
		return err
	}), "23M01", balance)
	same(t, refusal.Table, "wallet")
}

func TestBalanceByHand(t *testing.T) {
	ann, _, _ := wallets(t)
	refused(t, db.Exec("UPDATE wallet SET balance = balance + 1 WHERE id = ?", ann).Error, "23M02", balance)
}

func TestStaleVersion(t *testing.T) {
	mine, other := card(t), GiftCard{}
	passes(t, db.Take(&other, mine.ID).Error)
	other.Balance = money("70")
	passes(t, Save(db, &other))
	mine.Balance = money("50")
	if err := Save(db, mine); !errors.Is(err, ErrStale) {
		t.Fatal(err)
	}
	// GORM's own compares nothing, or goes on with an upsert of what was read earlier
	refused(t, db.Save(mine).Error, "23M04", "paysafe_gift_card_row_lock")
	refused(t, db.Where("version = ?", mine.Version).Save(mine).Error, "23M04", "paysafe_gift_card_row_lock")
	same(t, find[GiftCard](t, mine.ID).Balance, "70")
}

func TestLostUpdateOfAStatement(t *testing.T) {
	row := card(t)
	refusal := refused(t, db.Model(&GiftCard{}).Where("id = ?", row.ID).
		Update("balance", row.Balance.Sub(money("30"))).Error, "23M04", "paysafe_gift_card_row_lock")
	contains(t, refusal.Hint, "FOR UPDATE")
}

func TestAnotherErrorIsNoRefusal(t *testing.T) {
	again := Payment{ProviderID: captured(t, "1").ProviderID, Amount: money("1")}
	err := db.Create(&again).Error
	var found *pgconn.PgError
	if !errors.As(err, &found) || found.Code != "23505" || RefusalOf(err) != nil {
		t.Fatal(err)
	}
}
