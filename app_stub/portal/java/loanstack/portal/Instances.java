package loanstack.portal;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Who takes requests: which loan service each goes to, and whether this portal takes any; looked at all the time. */
final class Instances implements AutoCloseable {
    private static final int LOOK_INTERVAL_MS = 250;
    private static final Pattern PART = Pattern.compile("([^:*]+):([0-9]{1,5})(?:\\*([1-9][0-9]?))?");
    private static final Pattern LIMIT = Pattern.compile("/v1/limits/([0-9]+).*");

    final List<Instance> all = new ArrayList<>();
    /** Whether this portal leaves the gateways' requests to the others. */
    volatile boolean isOutOfRotation;
    private final List<Instance> slots = new ArrayList<>();
    private final AtomicInteger turn = new AtomicInteger();
    private final ScheduledExecutorService lookers;

    /**
     * Makes them, looks at each once, and goes on looking.
     *
     * @param text such as {@code 198.18.1.12:8080*10,198.18.2.22:8080*10}; without a weight it is 1
     * @param out folder in which each file is a reason not to take requests from gateways
     * @param lookTimeoutMs how long a service may take to say whether it is well
     * @throws IllegalArgumentException naming the part that is wrong and what is allowed
     */
    Instances(String text, File out, int connectTimeoutMs, int lookTimeoutMs) {
        int[] weights = new int[text.split(",").length];
        for (String part : text.split(",")) {
            Matcher found = PART.matcher(part.trim());
            if (!found.matches()) {
                throw new IllegalArgumentException("portal.services: '" + part
                        + "'; allowed: host:port or host:port*weight, weight 1 to 99, separated by commas");
            }
            weights[all.size()] = found.group(3) == null ? 1 : Integer.parseInt(found.group(3));
            all.add(new Instance(found.group(1), Integer.parseInt(found.group(2)), connectTimeoutMs));
        }
        // Dealt out in turns, so that neighbours differ: the others share what one that fails leaves.
        for (int round = 0; round < 99; round++) {
            for (int number = 0; number < weights.length; number++) {
                if (round < weights[number]) {
                    slots.add(all.get(number));
                }
            }
        }
        List<Runnable> looks = new ArrayList<>();
        looks.add(() -> {
            String[] reasons = out.list();
            isOutOfRotation = reasons != null && reasons.length > 0;
        });
        all.forEach(each -> looks.add(() -> each.look(lookTimeoutMs)));
        looks.parallelStream().forEach(Runnable::run);
        lookers = Executors.newScheduledThreadPool(looks.size());
        for (Runnable look : looks) {
            lookers.scheduleWithFixedDelay(look, LOOK_INTERVAL_MS, LOOK_INTERVAL_MS, TimeUnit.MILLISECONDS);
        }
    }

    /**
     * Draws which slot a request begins to look for a service at.
     *
     * <p>All movements on one limit begin at one, so that one service brings them into order: from two they
     * would wait for each other's locks in the database.
     */
    int draw(String path) {
        Matcher limit = LIMIT.matcher(path);
        // Multiplied, because ids that follow each other differ in their last digits alone.
        int drawn = limit.matches() ? limit.group(1).hashCode() * 0x9E3779B1 >>> 8 : turn.getAndIncrement();
        return Math.floorMod(drawn, slots.size());
    }

    /**
     * Returns the first service from a slot on that is well and not {@code except}; null: there is no other.
     *
     * <p>Where none is well the first one is asked all the same: after a failover of the database a service knows
     * sooner than the next look that it is well again, and until then it refuses by itself.
     */
    Instance choose(int slot, Instance except) {
        Instance unwell = null;
        for (int step = 0; step < slots.size(); step++) {
            Instance found = slots.get((slot + step) % slots.size());
            if (found != except && found.isWell()) {
                return found;
            }
            unwell = unwell == null && found != except ? found : unwell;
        }
        return unwell;
    }

    @Override
    public void close() {
        lookers.shutdownNow();
    }
}
