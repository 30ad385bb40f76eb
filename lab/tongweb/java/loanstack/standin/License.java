package loanstack.standin;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.net.URI;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.Properties;

/**
 * The licence: {@code license.dat} in the installation's root, or a licence server's answer.
 *
 * <p>Fields, messages and their spelling are those of TongWeb 7; the product is the stand-in's own, so that a
 * licence of the real one is none here, nor the other way round.
 */
final class License {
    private static final int REMOTE_TIMEOUT_MS = 3000;
    private static final String NEVER = "-1";

    private final Properties fields;

    private License(Properties fields) {
        this.fields = fields;
    }

    /**
     * Reads and judges the licence of an installation.
     *
     * @param today by this host's clock
     * @throws Refusal with the reason in TongWeb's words
     */
    static License read(Path home, LocalDate today) throws Refusal {
        License found = new License(fields(home));
        found.check(today);
        return found;
    }

    /** Returns what the start says of it. */
    String validity() {
        String end = fields.getProperty("end_date");
        return end.equals(NEVER) ? "License will never expire." : "License expires " + end;
    }

    /** A trial licence lets a listener have five threads, whatever is configured. */
    boolean isTrial() {
        return "test".equals(fields.getProperty("project_name"));
    }

    /** Returns its fields as {@code version.sh} prints them. */
    String listing() {
        StringBuilder text = new StringBuilder();
        fields.stringPropertyNames().stream().sorted()
                .forEach(name -> text.append(name).append('=').append(fields.getProperty(name)).append('\n'));
        return text.toString();
    }

    private void check(LocalDate today) throws Refusal {
        String end = fields.getProperty("end_date", "");
        if (!Version.PRODUCT.equals(fields.getProperty("TW_Product_Name"))
                || !Version.LICENSED.equals(fields.getProperty("TW_Version_Number"))) {
            throw new Refusal("System.out", "License is not for this version of product.");
        }
        try {
            if (!end.equals(NEVER) && LocalDate.parse(end).isBefore(today)) {
                throw new Refusal("System.out", "License expired.");
            }
        } catch (DateTimeParseException wrong) {
            throw new Refusal("System.out", "Invaild license.");
        }
    }

    private static Properties fields(Path home) throws Refusal {
        Properties found = new Properties();
        String type = System.getProperty("server.tongweb.license.type", "local");
        try {
            if (type.equals("remote")) {
                found.load(new StringReader(remote()));
            } else if (Files.exists(home.resolve("license.dat"))) {
                found.load(new StringReader(Files.readString(home.resolve("license.dat"))));
            } else {
                throw new Refusal("System.out", "Lisence file not found!");
            }
        } catch (IOException | IllegalArgumentException wrong) {
            throw new Refusal("System.out", "Invaild license.");
        }
        return found;
    }

    private static String remote() throws IOException {
        IOException last = new IOException("server.tongweb.license.license-ips names no server");
        String key = System.getProperty("server.tongweb.license.publicKey", "");
        for (String server : System.getProperty("server.tongweb.license.license-ips", "").split(",")) {
            try {
                URLConnection asked = URI.create("http://" + server.trim() + "/license.dat").toURL().openConnection();
                asked.setConnectTimeout(REMOTE_TIMEOUT_MS);
                asked.setReadTimeout(REMOTE_TIMEOUT_MS);
                asked.setRequestProperty("X-Public-Key", key);
                try (InputStream answer = asked.getInputStream()) {
                    return new String(answer.readAllBytes(), StandardCharsets.UTF_8);
                }
            } catch (IOException silent) {
                last = silent;
            }
        }
        throw last;
    }
}
