package shop;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import jakarta.persistence.CascadeType;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.Enumerated;
import jakarta.persistence.EnumType;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.OneToMany;
import jakarta.persistence.Version;
import org.hibernate.annotations.UpdateTimestamp;

/** As it is without paysafe: Hibernate writes all columns of a row that has changed. */
@Entity
public class Payment {
	@Id
	@GeneratedValue(strategy = GenerationType.SEQUENCE)
	private Long id;
	@Column(nullable = false, length = 100, unique = true)
	private String providerId;
	@Enumerated(EnumType.STRING)
	@Column(nullable = false, length = 20)
	private PaymentStatus status = PaymentStatus.AUTHORIZED;
	@Column(nullable = false, length = 3)
	private String currency = "EUR";
	@Column(nullable = false, precision = 12, scale = 2)
	private BigDecimal amount;
	@Column(nullable = false, precision = 12, scale = 2)
	private BigDecimal captured = BigDecimal.ZERO;
	@Column(length = 200)
	private String note;
	@UpdateTimestamp
	private Instant updatedAt;
	@Version
	private int version;
	@OneToMany(mappedBy = "payment", cascade = CascadeType.PERSIST)
	private List<Refund> refunds = new ArrayList<>();

	protected Payment() {
	}

	public Payment(String providerId, BigDecimal amount) {
		this.providerId = providerId;
		this.amount = amount;
	}

	public void capture() {
		status = PaymentStatus.CAPTURED;
		captured = amount;
	}

	public Refund refund(BigDecimal amount) {
		Refund refund = new Refund(this, amount);
		refunds.add(refund);
		return refund;
	}

	public Long getId() {
		return id;
	}

	public String getProviderId() {
		return providerId;
	}

	public PaymentStatus getStatus() {
		return status;
	}

	public void setStatus(PaymentStatus status) {
		this.status = status;
	}

	public String getCurrency() {
		return currency;
	}

	public void setAmount(BigDecimal amount) {
		this.amount = amount;
	}

	public void setCaptured(BigDecimal captured) {
		this.captured = captured;
	}

	public String getNote() {
		return note;
	}

	public void setNote(String note) {
		this.note = note;
	}

	public int getVersion() {
		return version;
	}
}
