package shop

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/shopspring/decimal"
	"gorm.io/gorm"
)

// Several at a time: what waits, what deadlocks, what helps.

func both(one, other func() error) (errs []error) {
	results := make(chan error)
	for _, work := range []func() error{one, other} {
		go func() { results <- work() }()
	}
	for range 2 {
		if err := <-results; err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func TestTransfersInOppositeDirections(t *testing.T) {
	ann, bob, _ := wallets(t)
	transfer := func(payer, payee int64) func() error {
		return func() error {
			// one attempt: none of them deadlocks
			return run(db, Actor{}, 1, func(tx *gorm.DB) error {
				_, err := Post(tx, map[int64]decimal.Decimal{payer: money("-1"), payee: money("1")})
				return err
			})
		}
	}
	for range 50 {
		same(t, both(transfer(ann, bob), transfer(bob, ann)), []error{})
	}
	same(t, find[Wallet](t, ann).Balance, "0")
}

// savesOneByOne posts row by row, in the order of the caller's: what Post does not do.
func savesOneByOne(wallets []int64, meet func(), attempts int) error {
	var met sync.Once
	return run(db, Actor{}, attempts, func(tx *gorm.DB) error {
		transaction, amount := uuid.New(), money("-1")
		for _, wallet := range wallets {
			err := tx.Create(&LedgerEntry{Transaction: transaction, WalletID: wallet, Amount: amount}).Error
			if err != nil {
				return err
			}
			// at the first attempt each has one of the wallets before it asks for the other
			met.Do(meet)
			amount = amount.Neg()
		}
		return nil
	})
}

func TestSingleRowSavesInDifferentOrders(t *testing.T) {
	for _, attempts := range []int{1, Attempts} {
		t.Run(fmt.Sprintf("%d attempts", attempts), func(t *testing.T) {
			ann, bob, _ := wallets(t)
			var here sync.WaitGroup
			here.Add(2)
			meet := func() {
				here.Done()
				here.Wait()
			}
			errs := both(
				func() error { return savesOneByOne([]int64{ann, bob}, meet, attempts) },
				func() error { return savesOneByOne([]int64{bob, ann}, meet, attempts) })
			// one of the two is ended by PostgreSQL; done again, it passes
			if attempts > 1 {
				same(t, errs, []error{})
				return
			}
			same(t, len(errs), 1)
			var found *pgconn.PgError
			if !errors.As(errs[0], &found) || found.Code != "40P01" {
				t.Fatal(errs)
			}
			same(t, IsWorthAnotherTry(errs[0]), true)
			same(t, RefusalOf(errs[0]) == nil, true)
		})
	}
}
