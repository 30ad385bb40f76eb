package loanstack.standin;

import java.nio.file.Path;
import java.time.LocalDate;
import org.apache.catalina.util.ServerInfo;

/** What this is, and what it stands in for. */
final class Version {
    /** As a licence names the product. */
    static final String PRODUCT = "TongWeb stand-in";
    /** The second-level version that a licence is for. */
    static final String LICENSED = "7.0";

    private Version() {}

    /** Returns name and version, which nobody can take for TongWeb's. */
    static String banner() {
        return PRODUCT + " (" + ServerInfo.getServerInfo().replace('/', ' ') + ")";
    }

    /** What {@code version.sh} runs: the version, and the licence or why there is none. */
    public static void main(String[] arguments) {
        System.out.println("Server: " + banner() + ", in the layout of TongWeb 7");
        System.out.println("-----------------------------------------");
        System.out.println("-----------License-----------------------");
        try {
            System.out.print(License.read(Path.of(System.getProperty("tongweb.home")), LocalDate.now()).listing());
        } catch (Refusal refused) {
            System.out.println(refused.getMessage());
        }
    }
}
