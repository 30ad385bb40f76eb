package loanstack.standin;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** {@code commandstool.sh}: {@code command --option=value... [operand]}, sent to the console. */
final class CommandsTool {
    private static final Duration DEADLINE = Duration.ofSeconds(60);
    private static final String PASSWORD_LINE = "AS_ADMIN_password=";

    private CommandsTool() {}

    public static void main(String[] arguments) throws InterruptedException {
        try {
            System.exit(run(arguments));
        } catch (IOException | IllegalArgumentException failure) {
            System.err.println("commandstool: " + failure);
            System.exit(1);
        }
    }

    private static int run(String[] arguments) throws IOException, InterruptedException {
        if (arguments.length == 0 || arguments[0].startsWith("-")) {
            throw new IllegalArgumentException("usage: commandstool.sh command --user=cli --passwordfile=FILE"
                    + " [--host=HOST] [--port=9060] [--option=value...] [operand]");
        }
        Map<String, String> options = new TreeMap<>(Map.of("host", "localhost", "port", "9060", "user", "cli"));
        for (int at = 1; at < arguments.length; at++) {
            String[] parts = arguments[at].split("=", 2);
            if (parts[0].startsWith("--") && parts.length == 2) {
                options.put(parts[0].substring(2), parts[1]);
            } else {
                options.put("operand", arguments[at]);
            }
        }
        if (arguments[0].equals("change-admin-password")) {
            options.put("newpassword", newPassword());
        }
        String credentials = options.remove("user") + ":" + password(options.remove("passwordfile"));
        String url = "http://" + options.remove("host") + ":" + options.remove("port") + "/console/" + arguments[0];
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                .timeout(DEADLINE)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .header("Authorization", "Basic "
                        + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8)))
                .POST(HttpRequest.BodyPublishers.ofString(options.entrySet().stream()
                        .map(each -> each.getKey() + "=" + URLEncoder.encode(each.getValue(), StandardCharsets.UTF_8))
                        .collect(Collectors.joining("&"))))
                .build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        (answer.statusCode() == 200 ? System.out : System.err).print(answer.body());
        return answer.statusCode() == 200 ? 0 : 1;
    }

    private static String newPassword() throws IOException {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.out.print("Please enter the new admin password>");
        String first = input.readLine();
        System.out.print("Please enter the new admin password again>");
        if (first == null || !first.equals(input.readLine())) {
            throw new IllegalArgumentException("the two passwords differ");
        }
        System.out.println();
        return first;
    }

    private static String password(String file) throws IOException {
        if (file == null) {
            throw new IllegalArgumentException("--passwordfile is missing");
        }
        return Files.readAllLines(Path.of(file)).stream()
                .filter(line -> line.startsWith(PASSWORD_LINE))
                .findFirst()
                .map(line -> Passwords.decrypt(line.substring(PASSWORD_LINE.length()).strip()))
                .orElseThrow(() -> new IllegalArgumentException(file + " has no line " + PASSWORD_LINE + "..."));
    }
}
