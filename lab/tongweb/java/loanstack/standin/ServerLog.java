package loanstack.standin;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** {@code logs/server.log} and standard output, in TongWeb's form, with its rotation by size. */
final class ServerLog extends Handler {
    private final Path file;
    private PrintStream out;
    private long written;
    private long limitBytes = 50L << 20;
    private int kept = 20;

    private ServerLog(Path file) {
        this.file = file;
        open();
    }

    /** Sends all that is logged in this process to the log of {@code home}. */
    static ServerLog install(Path home) throws IOException {
        Files.createDirectories(home.resolve("logs"));
        ServerLog log = new ServerLog(home.resolve("logs/server.log"));
        Logger root = Logger.getLogger("");
        for (Handler each : root.getHandlers()) {
            root.removeHandler(each);
        }
        root.addHandler(log);
        return log;
    }

    /** Rotates from now on as {@code log-service} says. */
    void rotate(long limitBytes, int kept) {
        this.limitBytes = limitBytes;
        this.kept = kept;
    }

    @Override
    public synchronized void publish(LogRecord record) {
        if (!isLoggable(record)) {
            return;
        }
        String text = String.format("[%s] [%s] [%s] [%s] [%s]%n",
                new SimpleDateFormat("yyyy-MM-dd HH:mm:ss SSS").format(new Date(record.getMillis())),
                record.getLevel().getName(), Thread.currentThread().getName(), module(record.getLoggerName()),
                new SimpleFormatter().formatMessage(record));
        if (record.getThrown() != null) {
            StringWriter trace = new StringWriter();
            record.getThrown().printStackTrace(new PrintWriter(trace));
            text += trace;
        }
        byte[] line = text.getBytes(StandardCharsets.UTF_8);
        if (written + line.length > limitBytes) {
            rotateNow();
        }
        written += line.length;
        out.write(line, 0, line.length);
        System.out.write(line, 0, line.length);
    }

    @Override
    public void flush() {
        out.flush();
    }

    /** Nothing to do: the last lines come from the process's end, when Java closes all handlers by itself. */
    @Override
    public void close() {
        flush();
    }

    /** Says something when Java's own loggers are closed already. */
    void say(String module, String message) {
        LogRecord record = new LogRecord(Level.INFO, message);
        record.setLoggerName(module);
        publish(record);
    }

    /** Tomcat's own loggers are the web container to TongWeb. */
    private static String module(String logger) {
        return logger != null && logger.startsWith("org.apache.") ? "web-container" : String.valueOf(logger);
    }

    private void open() {
        try {
            written = Files.exists(file) ? Files.size(file) : 0;
            out = new PrintStream(
                    Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND), true,
                    StandardCharsets.UTF_8);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private void rotateNow() {
        out.close();
        try {
            for (int number = kept; number > 0; number--) {
                Path from = number == 1 ? file : file.resolveSibling("server.log." + (number - 1));
                if (Files.exists(from)) {
                    Files.move(from, file.resolveSibling("server.log." + number),
                            StandardCopyOption.REPLACE_EXISTING);
                }
            }
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        open();
    }
}
