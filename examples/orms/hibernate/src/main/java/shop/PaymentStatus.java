package shop;

import jakarta.persistence.EnumeratedValue;

public enum PaymentStatus {
	AUTHORIZED("authorized"), CAPTURED("captured"), CANCELLED("cancelled");

	@EnumeratedValue
	final String label;

	PaymentStatus(String label) {
		this.label = label;
	}
}
