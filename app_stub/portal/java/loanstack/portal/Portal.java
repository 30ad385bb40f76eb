package loanstack.portal;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import javax.naming.NamingException;
import javax.servlet.ServletException;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/** The portal's one servlet: {@code /api/...}, {@code /metrics}, {@code /healthz}, {@code /data-source}. Pages are files. */
public final class Portal extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private static final String API = "/api";
    /** What only gateways say: who comes without is the host's own check or warm-up. */
    private static final String THROUGH_GATEWAY = "X-Forwarded-For";
    private static final Pattern PLAIN_ID = Pattern.compile("[!-~]{1,64}");
    /** What goes on to a service: such paths every program on the way reads alike. The warm-up asks the first one. */
    private static final Pattern PLAIN_PATH = Pattern.compile("/readyz|/v1(/[A-Za-z0-9_-]+)+");

    private transient Instances instances;
    private transient Metrics metrics;
    private transient Forwarding forwarding;

    /** Reads the settings: system properties {@code portal.*}, as {@code external.vmoptions} gives them. */
    @Override
    public void init() throws ServletException {
        try {
            File out = new File(System.getProperty("portal.out-of-rotation", "/run/tongweb/out-of-rotation"));
            String services = System.getProperty("portal.services", "");
            instances = new Instances(services, out, number("portal.connect.ms", 500), number("portal.look.ms", 400));
            metrics = new Metrics(version());
            int deadlineMs = number("portal.deadline.ms", 4500);
            forwarding = new Forwarding(instances, metrics, deadlineMs, number("portal.body.bytes", 65_536));
        } catch (IllegalArgumentException wrong) {
            throw new ServletException(wrong.getMessage(), wrong);
        }
    }

    @Override
    public void destroy() {
        instances.close();
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String path = request.getServletPath();
        if (path.equals(API) && PLAIN_PATH.matcher(String.valueOf(request.getPathInfo())).matches()) {
            forward(request, response);
        } else if (path.equals("/healthz")) {
            boolean isWell = instances.all.stream().anyMatch(Instance::isWell);
            text(response, isWell ? 200 : 503, "text/plain; charset=utf-8", isWell ? "ok\n" : "no loan service\n");
        } else if (path.equals(API) || request.getHeader(THROUGH_GATEWAY) != null) {
            // Clients of the gateways get neither metrics nor a database connection for each request.
            problem(response, 404, "not-found", "Not found");
        } else if (path.equals("/metrics")) {
            text(response, 200, "text/plain; version=0.0.4; charset=utf-8", metrics.page(instances));
        } else {
            dataSource(response);
        }
    }

    private static void dataSource(HttpServletResponse response) throws IOException {
        try {
            text(response, 200, "text/plain; charset=utf-8", DataSourceCheck.role() + "\n");
        } catch (NamingException | SQLException failure) {
            text(response, 503, "text/plain; charset=utf-8", "jdbc/loan: " + failure + "\n");
        }
    }

    /** Answers with an error of the portal itself: RFC 9457 problem details, as the services'. */
    static void problem(HttpServletResponse response, int status, String kind, String title) throws IOException {
        String body = "{\"type\":\"urn:loanstack:problem:%s\",\"title\":\"%s\",\"status\":%d}%n";
        text(response, status, "application/problem+json", String.format(body, kind, title, status));
    }

    private void forward(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (instances.isOutOfRotation && request.getHeader(THROUGH_GATEWAY) != null) {
            // Not 503, which a service says too: by this one the gateway knows to ask another portal.
            problem(response, 429, "out-of-rotation", "this portal takes no requests now; nothing was sent");
            return;
        }
        long startedNs = System.nanoTime();
        String requestId = request.getHeader("X-Request-Id");
        if (requestId == null || !PLAIN_ID.matcher(requestId).matches()) {
            requestId = Long.toHexString(ThreadLocalRandom.current().nextLong());
        }
        response.setHeader("X-Request-Id", requestId);
        metrics.inFlight.increment();
        try {
            // As the container read it, so that a service cannot read another path in it.
            forwarding.answer(request, response, request.getPathInfo(), requestId);
        } finally {
            metrics.inFlight.decrement();
            metrics.answered(response.getStatus(), System.nanoTime() - startedNs);
        }
    }

    private String version() throws ServletException {
        try (InputStream file = getServletContext().getResourceAsStream("/WEB-INF/version")) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException unreadable) {
            throw new ServletException("WEB-INF/version", unreadable);
        }
    }

    private static int number(String name, int otherwise) {
        String text = System.getProperty(name, Integer.toString(otherwise));
        if (!text.matches("[1-9][0-9]{0,8}")) {
            throw new IllegalArgumentException(name + ": '" + text + "'; allowed: a whole number above 0");
        }
        return Integer.parseInt(text);
    }

    private static void text(HttpServletResponse response, int status, String type, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        response.setStatus(status);
        response.setContentType(type);
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }
}
