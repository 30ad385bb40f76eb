package loanstack.standin;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.logging.Logger;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/** The console on its own port: a page that says what this is, and the commands of {@code commandstool.sh}. */
final class Console extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = Logger.getLogger("admin");

    private final transient Applications applications;
    private final transient Accounts accounts;

    Console(Applications applications, Accounts accounts) {
        this.applications = applications;
        this.accounts = accounts;
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        try {
            String user = authenticated(request);
            boolean isInitial = accounts.hasInitialPassword(user);
            answer(response, isInitial ? 403 : 200, isInitial ? "change the initial password first" : Version.banner());
        } catch (Refusal refused) {
            response.setHeader("WWW-Authenticate", "Basic realm=\"console\"");
            answer(response, 401, refused.getMessage());
        }
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String command = request.getPathInfo() == null ? "" : request.getPathInfo().substring(1);
        try {
            authenticated(request);
            String listing = run(command, request);
            LOG.info("command " + command + " executed by " + request.getRemoteAddr());
            answer(response, 200, listing + "Command " + command + " executed successfully.");
        } catch (Refusal refused) {
            answer(response, 400, "Command " + command + " failed: " + refused.getMessage());
        }
    }

    private String run(String command, HttpServletRequest request) throws Refusal, IOException {
        String name = request.getParameter("operand");
        switch (command) {
            case "list-apps":
                return applications.listing();
            case "version":
                return Version.banner() + "\n";
            case "deploy":
            case "redeploy":
                Path war = Path.of(needed(request, "applocation"));
                applications.deploy(
                        name == null ? Applications.name(war) : name,
                        war,
                        request.getParameter("contextroot"),
                        request.getParameter("defaultvs") == null ? "server" : request.getParameter("defaultvs"));
                applications.keep(name == null ? Applications.name(war) : name, war);
                return "";
            case "undeploy":
                if (name == null || !applications.undeploy(name)) {
                    throw new Refusal("deployment", "no application " + name + "; there are:\n" + applications.listing());
                }
                applications.forget(name);
                return "";
            case "config-password":
                accounts.change(needed(request, "adminuser"), needed(request, "adminoldpassword"),
                        needed(request, "adminnewpassword"));
                return "";
            case "change-admin-password":
                accounts.change(authenticated(request), password(request), needed(request, "newpassword"));
                return "";
            default:
                throw new Refusal("admin", "no such command in the stand-in; there are: change-admin-password,"
                        + " config-password, deploy, list-apps, redeploy, undeploy, version");
        }
    }

    private static String needed(HttpServletRequest request, String name) throws Refusal {
        if (request.getParameter(name) == null) {
            throw new Refusal("admin", "--" + name + " is missing");
        }
        return request.getParameter(name);
    }

    private String authenticated(HttpServletRequest request) throws Refusal {
        String user = credentials(request)[0];
        accounts.check(user, password(request));
        return user;
    }

    private static String password(HttpServletRequest request) throws Refusal {
        return credentials(request)[1];
    }

    private static String[] credentials(HttpServletRequest request) throws Refusal {
        String header = String.valueOf(request.getHeader("Authorization")).replaceFirst("^Basic ", "");
        try {
            String[] parts = new String(Base64.getDecoder().decode(header), StandardCharsets.UTF_8).split(":", 2);
            if (parts.length == 2) {
                return parts;
            }
        } catch (IllegalArgumentException noBase64) {
            LOG.warning("a request without credentials from " + request.getRemoteAddr());
        }
        throw new Refusal("security", "Username or password is missing.");
    }

    private static void answer(HttpServletResponse response, int status, String text) throws IOException {
        response.setStatus(status);
        response.setContentType("text/plain; charset=utf-8");
        response.getOutputStream().write((text + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
