package shop

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
	"gorm.io/gorm"
)

// The server is where PGHOST, PGPORT, PGUSER and PGDATABASE say; the database must be
// empty, the role a superuser, who creates the extension, and `shop_app` a login.
var db *gorm.DB

func setUp() error {
	owner, err := Open("")
	if err != nil {
		return err
	}
	if err := owner.AutoMigrate(&Payment{}, &Refund{}, &Wallet{}, &LedgerEntry{}, &GiftCard{}); err != nil {
		return err
	}
	rules, err := os.ReadFile("../rules.sql")
	if err != nil {
		return err
	}
	connection, err := pgx.Connect(context.Background(), "")
	if err != nil {
		return err
	}
	defer connection.Close(context.Background())
	if _, err := connection.Exec(context.Background(), string(rules)); err != nil {
		return err
	}
	// a lock is waited for, but not for ever
	db, err = Open("user=shop_app lock_timeout=20s")
	return err
}

func TestMain(m *testing.M) {
	if err := setUp(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func money(amount string) decimal.Decimal { return decimal.RequireFromString(amount) }

func passes(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v: %+v", err, RefusalOf(err))
	}
}

func same(t *testing.T, got, expected any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(expected) {
		t.Fatalf("%v instead of %v", got, expected)
	}
}

func refused(t *testing.T, err error, sqlstate, constraint string) *Refusal {
	t.Helper()
	refusal := RefusalOf(err)
	if refusal == nil || refusal.SQLState != sqlstate || refusal.Constraint != constraint {
		t.Fatalf("%v instead of %s %s", err, sqlstate, constraint)
	}
	return refusal
}

func providerKey() string { return "pi_" + uuid.NewString() }

// captured adds a payment of this amount, and captures it.
func captured(t *testing.T, amount string) *Payment {
	t.Helper()
	payment := &Payment{ProviderID: providerKey(), Amount: money(amount)}
	passes(t, db.Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(payment).Error; err != nil {
			return err
		}
		payment.Status, payment.Captured = "captured", payment.Amount
		return Save(tx, payment)
	}))
	return find[Payment](t, payment.ID)
}

// wallets adds two with nothing in them and a minimum of -1000, and one without any.
func wallets(t *testing.T) (ann, bob, fees int64) {
	t.Helper()
	minimum := money("-1000")
	rows := []Wallet{{Owner: "ann", Minimum: &minimum}, {Owner: "bob", Minimum: &minimum}, {Owner: "fees"}}
	passes(t, db.Create(&rows).Error)
	return rows[0].ID, rows[1].ID, rows[2].ID
}

// card adds a gift card of 100.
func card(t *testing.T) *GiftCard {
	t.Helper()
	row := &GiftCard{Code: uuid.NewString()[:20], Balance: money("100")}
	passes(t, db.Create(row).Error)
	return find[GiftCard](t, row.ID)
}

func find[T any](t *testing.T, id int64) *T {
	t.Helper()
	row := new(T)
	passes(t, db.Take(row, id).Error)
	return row
}
