package loanstack.portal;

import java.sql.SQLException;
import javax.naming.InitialContext;
import javax.naming.NamingException;
import javax.sql.DataSource;

/** The server's JDBC pool, as any application on it finds it: the portal itself asks the loan services. */
final class DataSourceCheck {
    private DataSourceCheck() {}

    /** Returns the role of the database that the pool leads to: {@code PRIMARY} where all is well. */
    static String role() throws NamingException, SQLException {
        DataSource pool = InitialContext.doLookup("java:comp/env/jdbc/loan");
        try (var connection = pool.getConnection();
                var statement = connection.createStatement();
                var row = statement.executeQuery("SELECT role FROM oceanbase.__all_virtual_server_stat")) {
            row.next();
            return row.getString(1);
        }
    }
}
