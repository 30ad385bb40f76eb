package loanstack.portal;

import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;

/** What Prometheus reads. */
final class Metrics {
    final LongAdder inFlight = new LongAdder();
    final LongAdder unsentAgain = new LongAdder();
    final LongAdder refusedAgain = new LongAdder();
    final LongAdder indeterminate = new LongAdder();
    private final LongAdder microseconds = new LongAdder();
    private final LongAdder[] answers = new LongAdder[600];

    private final String version;

    Metrics(String version) {
        this.version = version;
        Arrays.setAll(answers, status -> new LongAdder());
    }

    /** Counts one answered request of {@code /api}. */
    void answered(int status, long tookNs) {
        answers[status].increment();
        microseconds.add(tookNs / 1000);
    }

    /** Returns the page, in the text format 0.0.4. */
    String page(Instances instances) {
        StringBuilder text = new StringBuilder(4096);
        line(text, "portal_info{version=\"" + version + "\"}", 1);
        for (int status = 0; status < answers.length; status++) {
            if (answers[status].sum() > 0) {
                line(text, "portal_requests_total{status=\"" + status + "\"}", answers[status].sum());
            }
        }
        line(text, "portal_request_microseconds_total", microseconds.sum());
        line(text, "portal_in_flight", inFlight.sum());
        line(text, "portal_again_total{because=\"unsent\"}", unsentAgain.sum());
        line(text, "portal_again_total{because=\"refused\"}", refusedAgain.sum());
        line(text, "portal_indeterminate_total", indeterminate.sum());
        for (Instance each : instances.all) {
            String labels = "{service=\"" + each.name + "\"}";
            line(text, "portal_service_up" + labels, each.isWell() ? 1 : 0);
            line(text, "portal_service_requests_total" + labels, each.requests.sum());
            line(text, "portal_service_failures_total" + labels, each.failures.sum());
        }
        return text.toString();
    }

    private static void line(StringBuilder text, String series, long value) {
        text.append(series).append(' ').append(value).append('\n');
    }
}
