package loanstack.standin;

/** A reason not to start, or not to do what was asked, for the server's log. */
final class Refusal extends Exception {
    private static final long serialVersionUID = 1L;

    /** The part of the server that says it, as the log names it. */
    final String module;

    Refusal(String module, String message) {
        super(message);
        this.module = module;
    }
}
