package shop

import (
	"testing"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Every way in which GORM writes: what is right passes.

func TestSaveOfAWholeRow(t *testing.T) {
	payment := captured(t, "100")
	payment.Note = "called the customer"
	passes(t, Save(db, payment))
	saved := find[Payment](t, payment.ID)
	same(t, saved.Note, "called the customer")
	same(t, saved.Version, 3)
}

func TestGormsSaveWithAssociations(t *testing.T) {
	payment := captured(t, "100")
	payment.Refunds = []Refund{{Amount: money("30")}}
	passes(t, db.Save(payment).Error)
	again := find[Payment](t, payment.ID)
	passes(t, db.Preload("Refunds").Take(again).Error)
	again.Note = "and again"
	passes(t, db.Session(&gorm.Session{FullSaveAssociations: true}).Save(again).Error)
	same(t, find[Refund](t, again.Refunds[0].ID).Status, "requested")
}

func TestUpdates(t *testing.T) {
	payment := captured(t, "100")
	passes(t, db.Model(payment).Updates(Payment{Note: "one column"}).Error)
	passes(t, db.Model(&Payment{}).Where("id = ?", payment.ID).Update("note", "by a statement").Error)
	same(t, find[Payment](t, payment.ID).Note, "by a statement")
}

func TestCreateInBatches(t *testing.T) {
	ann, bob, fees := wallets(t)
	var entries []LedgerEntry
	for range 700 {
		transaction := uuid.New()
		entries = append(entries,
			LedgerEntry{Transaction: transaction, WalletID: ann, Amount: money("-1")},
			LedgerEntry{Transaction: transaction, WalletID: bob, Amount: money("0.75")},
			LedgerEntry{Transaction: transaction, WalletID: fees, Amount: money("0.25")})
	}
	passes(t, db.CreateInBatches(entries, 500).Error)
	same(t, find[Wallet](t, ann).Balance, "-700")
	var balance decimal.Decimal
	passes(t, db.Raw("SELECT paysafe.balance(CAST(CAST(? AS bigint) AS text))", fees).Scan(&balance).Error)
	same(t, balance, "175")
}

func TestUpsertByTheProvidersKey(t *testing.T) {
	key := providerKey()
	var ids []int64
	for _, note := range []string{"created", "card ok"} {
		payment := Payment{ProviderID: key, Amount: money("50"), Note: note}
		passes(t, db.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "provider_id"}},
			DoUpdates: clause.AssignmentColumns([]string{"note", "updated_at"}),
		}).Create(&payment).Error)
		ids = append(ids, payment.ID)
	}
	same(t, ids[0], ids[1])
	same(t, find[Payment](t, ids[0]).Note, "card ok")
}

func TestUpsertCaptures(t *testing.T) {
	payment := Payment{ProviderID: providerKey(), Amount: money("50")}
	passes(t, db.Create(&payment).Error)
	said := Payment{ProviderID: payment.ProviderID, Amount: money("50"), Status: "captured", Captured: money("50")}
	passes(t, db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "provider_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"status", "captured"}),
	}).Create(&said).Error)
	same(t, find[Payment](t, payment.ID).Status, "captured")
}

func TestUpsertAddsToACard(t *testing.T) {
	row := card(t)
	passes(t, db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "code"}},
		DoUpdates: clause.Assignments(map[string]any{"balance": gorm.Expr("gift_card.balance + excluded.balance")}),
	}).Create(&GiftCard{Code: row.Code, Balance: money("25")}).Error)
	same(t, find[GiftCard](t, row.ID).Balance, "125")
}

func TestOptimisticLock(t *testing.T) {
	row := card(t)
	row.Balance = row.Balance.Sub(money("30"))
	passes(t, Save(db, row))
	saved := find[GiftCard](t, row.ID)
	same(t, saved.Balance, "70")
	same(t, saved.Version, 2)
}

func TestLockedRow(t *testing.T) {
	id := card(t).ID
	passes(t, Run(db, Actor{}, func(tx *gorm.DB) error {
		var row GiftCard
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&row, id).Error; err != nil {
			return err
		}
		// by a statement, which compares no version
		return tx.Model(&GiftCard{}).Where("id = ?", id).Update("balance", row.Balance.Add(money("50"))).Error
	}))
	same(t, find[GiftCard](t, id).Balance, "150")
}

func TestComputedByTheDatabase(t *testing.T) {
	id := card(t).ID
	passes(t, db.Model(&GiftCard{}).Where("id = ?", id).
		Update("balance", gorm.Expr("balance + ?", money("50"))).Error)
	same(t, find[GiftCard](t, id).Balance, "150")
}

func TestSaveOfAWallet(t *testing.T) {
	ann, bob, _ := wallets(t)
	row := find[Wallet](t, ann)
	passes(t, Run(db, Actor{}, func(tx *gorm.DB) error {
		_, err := Post(tx, map[int64]decimal.Decimal{ann: money("-5"), bob: money("5")})
		return err
	}))
	// read before the entries: Save writes all columns but the balance
	row.Owner = "Ann"
	passes(t, db.Save(row).Error)
	same(t, find[Wallet](t, ann).Balance, "-5")
}

func TestDeleteOfWhatMayGo(t *testing.T) {
	payment := Payment{ProviderID: providerKey(), Amount: money("1")}
	passes(t, db.Create(&payment).Error)
	passes(t, db.Delete(&payment).Error)
}

func TestTheTransactionGoesOnAfterASavepoint(t *testing.T) {
	payment := captured(t, "100")
	passes(t, Run(db, Actor{}, func(tx *gorm.DB) error {
		err := tx.Transaction(func(inner *gorm.DB) error {
			return inner.Create(&Refund{PaymentID: payment.ID, Amount: money("101")}).Error
		})
		refused(t, err, "23R01", "paysafe_refund_refund")
		return tx.Create(&Refund{PaymentID: payment.ID, Amount: money("100")}).Error
	}))
}
