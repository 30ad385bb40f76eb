package loanstack.portal;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/** Hands a request on to a loan service, and its answer back. */
final class Forwarding {
    /** What a service answers that did not execute what it was asked. */
    private static final int NOT_EXECUTED = 503;
    private static final String KEY = "Idempotency-Key";
    private static final String[] PASSED_ON = {
        KEY, "X-Legal-Entity", "X-Forwarded-For", "Content-Type", "Accept", "Authorization", "traceparent"
    };
    private static final String[] PASSED_BACK = {"Content-Type", "Retry-After", "Allow"};

    private final Instances instances;
    private final Metrics metrics;
    private final int deadlineMs;
    private final int bodyBytesMax;

    Forwarding(Instances instances, Metrics metrics, int deadlineMs, int bodyBytesMax) {
        this.instances = instances;
        this.metrics = metrics;
        this.deadlineMs = deadlineMs;
        this.bodyBytesMax = bodyBytesMax;
    }

    /**
     * Answers one request. A second service is asked where the first could not be reached, so that nothing was
     * sent, or says that it executed nothing; that only for a request with a key.
     *
     * @param path of the service, without the portal's own prefix
     */
    void answer(HttpServletRequest request, HttpServletResponse response, String path, String requestId)
            throws IOException {
        long deadlineNs = System.nanoTime() + deadlineMs * 1_000_000L;
        byte[] body = request.getInputStream().readNBytes(bodyBytesMax + 1);
        if (body.length > bodyBytesMax) {
            Portal.problem(response, 413, "too-large", "a body of more than " + bodyBytesMax + " bytes");
            return;
        } else if (body.length < request.getContentLengthLong()) {
            throw new EOFException("a body that was broken off");
        }
        byte[] question = question(request, path, body, requestId);
        int slot = instances.draw(path);
        Instance first = instances.choose(slot, null);
        Instance second = instances.choose(slot, first);
        boolean mayRefuse = request.getHeader(KEY) != null && second != null;
        if ((first == null || !ask(first, question, response, deadlineNs, mayRefuse))
                && (second == null || !ask(second, question, response, deadlineNs, false))) {
            response.setHeader("Retry-After", "1");
            Portal.problem(response, NOT_EXECUTED, "no-service", "no loan service is there; nothing was sent");
        }
    }

    /** Returns whether the request is answered; otherwise nothing was executed. */
    private boolean ask(
            Instance to, byte[] question, HttpServletResponse response, long deadlineNs, boolean mayRefuse)
            throws IOException {
        Connection connection;
        try {
            connection = to.take();
        } catch (IOException unreachable) {
            to.failed();
            metrics.unsentAgain.increment();
            return false;
        }
        to.requests.increment();
        byte[] answer;
        try {
            answer = connection.exchange(question, deadlineNs);
        } catch (IOException silent) {
            connection.close();
            // One late answer says nothing against the service: it may wait for the database, as all do then.
            if (!(silent instanceof SocketTimeoutException)) {
                to.failed();
            }
            metrics.indeterminate.increment();
            Portal.problem(response, 504, "indeterminate", "no answer from the loan service");
            return true;
        }
        boolean isAnswered = connection.status() != NOT_EXECUTED || !mayRefuse;
        if (isAnswered) {
            response.setStatus(connection.status());
            for (String name : PASSED_BACK) {
                String value = connection.header(name);
                if (value != null) {
                    response.setHeader(name, value);
                }
            }
            response.setContentLength(answer.length);
            response.getOutputStream().write(answer);
        } else {
            metrics.refusedAgain.increment();
        }
        to.give(connection);
        return isAnswered;
    }

    private static byte[] question(HttpServletRequest request, String path, byte[] body, String requestId) {
        // Asked as a GET: the answer to a HEAD has a length and no body, and the server leaves the body out itself.
        String method = request.getMethod().equals("HEAD") ? "GET" : request.getMethod();
        StringBuilder text = new StringBuilder(512).append(method).append(' ').append(path);
        if (request.getQueryString() != null) {
            text.append('?').append(request.getQueryString());
        }
        text.append(" HTTP/1.1\r\nHost: loan\r\nX-Request-Id: ").append(requestId);
        for (String name : PASSED_ON) {
            String value = request.getHeader(name);
            if (value != null) {
                text.append("\r\n").append(name).append(": ").append(value);
            }
        }
        // Latin 1 both ways leaves every byte of the body as it is.
        text.append("\r\nContent-Length: ").append(body.length).append("\r\n\r\n").append(new String(body, ISO_8859_1));
        return text.toString().getBytes(ISO_8859_1);
    }
}
