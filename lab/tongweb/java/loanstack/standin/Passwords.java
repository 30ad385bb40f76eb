package loanstack.standin;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;

/**
 * Passwords in files, scrambled by {@code bin/password.sh}: so that nobody reads one in passing, and no more than that.
 *
 * <p>As in TongWeb, whoever has the product can undo it; the files' modes are what protects them.
 */
final class Passwords {
    private static final byte[] KEY = Arrays.copyOf(Version.PRODUCT.getBytes(StandardCharsets.UTF_8), 16);

    private Passwords() {}

    static String encrypt(String plain) {
        return Base64.getEncoder().encodeToString(run(Cipher.ENCRYPT_MODE, plain.getBytes(StandardCharsets.UTF_8)));
    }

    /** Throws IllegalArgumentException for what {@code password.sh} did not write. */
    static String decrypt(String scrambled) {
        return new String(run(Cipher.DECRYPT_MODE, Base64.getDecoder().decode(scrambled)), StandardCharsets.UTF_8);
    }

    /** What {@code password.sh} runs: the password on standard input, the scrambled one on standard output. */
    public static void main(String[] arguments) throws java.io.IOException {
        System.out.println(encrypt(new String(System.in.readAllBytes(), StandardCharsets.UTF_8).strip()));
    }

    private static byte[] run(int mode, byte[] bytes) {
        try {
            Cipher cipher = Cipher.getInstance("AES/ECB/PKCS5Padding");
            cipher.init(mode, new SecretKeySpec(KEY, "AES"));
            return cipher.doFinal(bytes);
        } catch (GeneralSecurityException wrong) {
            throw new IllegalArgumentException("not a password that bin/password.sh wrote", wrong);
        }
    }
}
