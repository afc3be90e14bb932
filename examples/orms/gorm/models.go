// Package shop is a shop's payments in GORM, under the rules of paysafe.
package shop

import (
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// The tables, as they are without paysafe.

type Payment struct {
	ID         int64
	ProviderID string          `gorm:"size:100;not null;uniqueIndex"`
	Status     string          `gorm:"size:20;not null;default:authorized"`
	Currency   string          `gorm:"size:3;not null;default:EUR"`
	Amount     decimal.Decimal `gorm:"type:numeric(12,2);not null"`
	Captured   decimal.Decimal `gorm:"type:numeric(12,2);not null"`
	Note       string          `gorm:"size:200"`
	UpdatedAt  time.Time
	Version    int64 `gorm:"not null;default:1"`
	Refunds    []Refund
}

type Refund struct {
	ID                int64
	PaymentID         int64           `gorm:"not null;index"`
	Status            string          `gorm:"size:20;not null;default:requested"`
	Currency          string          `gorm:"size:3;not null;default:EUR"`
	Amount            decimal.Decimal `gorm:"type:numeric(12,2);not null"`
	ProviderReference *string         `gorm:"size:100;uniqueIndex"`
	UpdatedAt         time.Time
	Version           int64 `gorm:"not null;default:1"`
	Payment           *Payment
}

type Wallet struct {
	ID    int64
	Owner string `gorm:"size:100;not null"`
	// entries move it, so GORM only reads it: Save writes all other columns
	Balance decimal.Decimal  `gorm:"->;type:numeric(12,2);not null;default:0"`
	Minimum *decimal.Decimal `gorm:"type:numeric(12,2)"`
}

type LedgerEntry struct {
	ID          int64
	Transaction uuid.UUID       `gorm:"type:uuid;not null;index"`
	WalletID    int64           `gorm:"not null"`
	Currency    string          `gorm:"size:3;not null;default:EUR"`
	Amount      decimal.Decimal `gorm:"type:numeric(12,2);not null"`
	Wallet      *Wallet
}

type GiftCard struct {
	ID      int64
	Code    string          `gorm:"size:20;not null;uniqueIndex"`
	Balance decimal.Decimal `gorm:"type:numeric(12,2);not null"`
	Version int64           `gorm:"not null;default:1"`
}

// What has a version: see Save.
func (row *Payment) version() *int64  { return &row.Version }
func (row *Refund) version() *int64   { return &row.Version }
func (row *GiftCard) version() *int64 { return &row.Version }
