package shop;

import java.math.BigDecimal;
import java.time.Instant;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Enumerated;
import jakarta.persistence.EnumType;
import jakarta.persistence.FetchType;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Index;
import jakarta.persistence.ManyToOne;
import jakarta.persistence.Table;
import jakarta.persistence.Version;
import org.hibernate.annotations.UpdateTimestamp;

@Entity
@Table(indexes = @Index(columnList = "payment_id"))
public class Refund {
	@Id
	@GeneratedValue(strategy = GenerationType.SEQUENCE)
	private Long id;
	@ManyToOne(optional = false, fetch = FetchType.LAZY)
	private Payment payment;
	@Enumerated(EnumType.STRING)
	@Column(nullable = false, length = 20)
	private RefundStatus status = RefundStatus.REQUESTED;
	@Column(nullable = false, length = 3)
	private String currency;
	@Column(nullable = false, precision = 12, scale = 2)
	private BigDecimal amount;
	@Column(length = 100, unique = true)
	private String providerReference;
	@UpdateTimestamp
	private Instant updatedAt;
	@Version
	private int version;

	protected Refund() {
	}

	Refund(Payment payment, BigDecimal amount) {
		this.payment = payment;
		this.amount = amount;
		this.currency = payment.getCurrency();
	}

	public Long getId() {
		return id;
	}

	public Payment getPayment() {
		return payment;
	}

	public RefundStatus getStatus() {
		return status;
	}

	public void setStatus(RefundStatus status) {
		this.status = status;
	}

	public String getCurrency() {
		return currency;
	}

	public BigDecimal getAmount() {
		return amount;
	}

	public void setProviderReference(String providerReference) {
		this.providerReference = providerReference;
	}
}
