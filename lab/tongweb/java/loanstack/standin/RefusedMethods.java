package loanstack.standin;

import java.io.IOException;
import java.util.Set;
import javax.servlet.ServletException;
import javax.servlet.http.HttpServletResponse;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;

/** Answers 405 to the methods that a listener does not allow. */
final class RefusedMethods extends ValveBase {
    private final Set<String> methods;

    RefusedMethods(Set<String> methods) {
        super(true);
        this.methods = methods;
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        if (methods.contains(request.getMethod())) {
            response.sendError(HttpServletResponse.SC_METHOD_NOT_ALLOWED);
        } else {
            getNext().invoke(request, response);
        }
    }
}
