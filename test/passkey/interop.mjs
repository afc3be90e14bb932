// Reads cases, says of each whether @simplewebauthn/server accepts it.
import { verifyAuthenticationResponse } from '@simplewebauthn/server';

let input = '';
for await (const chunk of process.stdin) input += chunk;
const answers = [];
for (const c of JSON.parse(input)) {
	try {
		const { verified } = await verifyAuthenticationResponse({
			response: c.response, expectedChallenge: c.challenge, expectedOrigin: 'https://pay.example', expectedRPID: 'pay.example',
			credential: { id: c.id, publicKey: new Uint8Array(Buffer.from(c.key, 'base64url')), counter: 0 },
			requireUserVerification: true,
		});
		answers.push(verified);
	} catch {
		answers.push(false);
	}
}
console.log(JSON.stringify(answers));
