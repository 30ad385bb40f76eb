package loanstack.standin;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Stream;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/** Who may use the console: {@code thanos} in a browser, {@code cli} from the command line. */
final class Accounts {
    private static final Map<String, String> INITIAL = Map.of("thanos", "thanos123.com", "cli", "cli123.com");
    private static final int LENGTH_MIN = 10;
    private static final int FAILURES_MAX = 5;
    private static final Duration LOCKED_FOR = Duration.ofMinutes(10);
    private static final int ROUNDS = 20_000;

    private final Path file;
    private final Properties hashes = new Properties();
    private final Map<String, Integer> failures = new HashMap<>();
    private final Map<String, Instant> lockedUntil = new HashMap<>();

    Accounts(Path home) throws IOException {
        file = home.resolve("conf/security/twusers.properties");
        if (Files.exists(file)) {
            try (Reader reader = Files.newBufferedReader(file)) {
                hashes.load(reader);
            }
        }
    }

    /**
     * Says who it is.
     *
     * @throws Refusal the name or the password is wrong, or the account is locked after five failures
     */
    synchronized void check(String user, String password) throws Refusal {
        Instant until = lockedUntil.get(user);
        if (until != null && Instant.now().isBefore(until)) {
            throw new Refusal("security", "User " + user + " is locked after " + FAILURES_MAX + " failures.");
        }
        if (!isRight(user, password)) {
            if (failures.merge(user, 1, Integer::sum) >= FAILURES_MAX) {
                lockedUntil.put(user, Instant.now().plus(LOCKED_FOR));
                failures.remove(user);
            }
            throw new Refusal("security", "Username or password is wrong.");
        }
        failures.remove(user);
        lockedUntil.remove(user);
    }

    /** Says whether the password is the one that the product comes with: good for nothing but changing it. */
    synchronized boolean hasInitialPassword(String user) {
        return !hashes.containsKey(user);
    }

    /**
     * Changes a password.
     *
     * @throws Refusal the old one is wrong, or the new one is not strong enough
     */
    synchronized void change(String user, String old, String changed) throws Refusal, IOException {
        check(user, old);
        long classes = Stream.of("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]")
                .filter(each -> changed.matches(".*" + each + ".*"))
                .count();
        if (changed.length() < LENGTH_MIN || classes < 4 || changed.equals(old)) {
            throw new Refusal("security", "The new password must have at least " + LENGTH_MIN
                    + " characters, with lower and upper case letters, digits and others, and differ from the old.");
        }
        byte[] salt = new byte[16];
        new SecureRandom().nextBytes(salt);
        String text = Base64.getEncoder().encodeToString(salt);
        hashes.setProperty(user, text + "$" + hash(changed, text));
        Path unfinished = file.resolveSibling("twusers.properties.new");
        try (Writer writer = Files.newBufferedWriter(unfinished)) {
            hashes.store(writer, null);
        }
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private boolean isRight(String user, String password) {
        if (!INITIAL.containsKey(user)) {
            return false;
        } else if (hasInitialPassword(user)) {
            return INITIAL.get(user).equals(password);
        }
        String[] parts = hashes.getProperty(user).split("\\$");
        return MessageDigest.isEqual(
                parts[1].getBytes(StandardCharsets.US_ASCII),
                hash(password, parts[0]).getBytes(StandardCharsets.US_ASCII));
    }

    private static String hash(String password, String salt) {
        try {
            PBEKeySpec spec = new PBEKeySpec(password.toCharArray(), Base64.getDecoder().decode(salt), ROUNDS, 256);
            byte[] made = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
            return Base64.getEncoder().encodeToString(made);
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException(missing);
        }
    }
}
