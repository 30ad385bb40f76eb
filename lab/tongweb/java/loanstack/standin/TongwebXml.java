package loanstack.standin;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;

/** {@code conf/tongweb.xml}: the part of TongWeb's elements that has an effect here. All others are refused by name. */
final class TongwebXml {
    /** Element, its attributes, its children in the order that TongWeb wants them. */
    private static final String[][] SUPPORTED = {
        {"tongweb", "", "auto-deploy apps server"},
        {"auto-deploy", "enabled dir check-interval", ""},
        {"apps", "", "web-app"},
        {"web-app", "name original-location location context-root vs-names enabled", ""},
        {"server", "shutdown-port", "web-container jdbc-connection-pool log-service"},
        {"web-container", "parameter-encoding response-encoding", "access-log virtual-host http-listener"},
        {"access-log", "pattern suffix file-date-format", ""},
        {"virtual-host", "name listeners accesslog-enabled accesslog-dir", ""},
        {"http-listener", "name port address io-mode uri-encoding default-virtual-host", "ssl protocol http-options"},
        {"ssl", "", ""},
        {
            "protocol",
            "not-allow-HTTP-methods backlog connection-timeout keep-alive-timeout max-threads min-spare-threads"
                    + " max-connections",
            ""
        },
        {"http-options", "max-http-header-size max-keep-alive-requests", ""},
        {
            "jdbc-connection-pool",
            "name jdbc-driver jdbc-url user-name password initial-size max-active min-idle max-wait-time"
                    + " validation-query test-on-borrow",
            ""
        },
        {"log-service", "file rotation-limit rotation-file-count", ""},
    };

    private final Element root;
    private final Path home;

    private TongwebXml(Element root, Path home) {
        this.root = root;
        this.home = home;
    }

    /**
     * Reads the configuration of an installation.
     *
     * @throws Refusal naming every element and attribute that has no effect here, or that stands where it may not
     */
    static TongwebXml read(Path home) throws Refusal {
        Path file = home.resolve("conf/tongweb.xml");
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            Element root = factory.newDocumentBuilder().parse(file.toFile()).getDocumentElement();
            List<String> wrong = new ArrayList<>();
            if (!root.getTagName().equals("tongweb")) {
                wrong.add("the root is <" + root.getTagName() + ">; allowed: <tongweb>");
            } else {
                check(root, supported(), wrong);
            }
            if (!wrong.isEmpty()) {
                throw new Refusal("configuration", file + ": " + String.join("; ", wrong));
            }
            return new TongwebXml(root, home);
        } catch (IOException | SAXException | ParserConfigurationException unreadable) {
            throw new Refusal("configuration", file + ": " + unreadable.getMessage());
        }
    }

    /** Returns the elements called {@code name}, wherever they are. */
    List<Element> all(String name) {
        List<Element> found = new ArrayList<>();
        for (int at = 0; at < root.getElementsByTagName(name).getLength(); at++) {
            found.add((Element) root.getElementsByTagName(name).item(at));
        }
        return found;
    }

    /** Returns an attribute of the only element called {@code name}. */
    String of(String name, String attribute, String otherwise) {
        List<Element> found = all(name);
        return found.isEmpty() ? otherwise : of(found.get(0), attribute, otherwise);
    }

    /** Returns an attribute, with the installation's root put in. */
    String of(Element element, String attribute, String otherwise) {
        String value = element.hasAttribute(attribute) ? element.getAttribute(attribute) : otherwise;
        return value == null ? null : value.replace("${tongweb.root}", home.toString());
    }

    private static Map<String, String[]> supported() {
        Map<String, String[]> found = new HashMap<>();
        for (String[] each : SUPPORTED) {
            found.put(each[0], each);
        }
        return found;
    }

    private static void check(Element element, Map<String, String[]> supported, List<String> wrong) {
        String name = element.getTagName();
        List<String> attributes = Arrays.asList(supported.get(name)[1].split(" "));
        List<String> children = Arrays.asList(supported.get(name)[2].split(" "));
        NamedNodeMap has = element.getAttributes();
        for (int at = 0; at < has.getLength(); at++) {
            if (!attributes.contains(has.item(at).getNodeName())) {
                wrong.add("attribute " + has.item(at).getNodeName() + " of <" + name
                        + "> has no effect in the stand-in; allowed: " + listed(attributes));
            }
        }
        int reached = 0;
        for (Node each = element.getFirstChild(); each != null; each = each.getNextSibling()) {
            if (!(each instanceof Element)) {
                continue;
            }
            String child = each.getNodeName();
            int position = children.indexOf(child);
            if (position < 0) {
                wrong.add("<" + child + "> in <" + name + "> has no effect in the stand-in; allowed: "
                        + listed(children));
                continue;
            }
            if (position < reached) {
                wrong.add("<" + child + "> comes after <" + children.get(reached) + ">; the order is: "
                        + listed(children));
            }
            reached = Math.max(reached, position);
            check((Element) each, supported, wrong);
        }
    }

    private static String listed(List<String> names) {
        return names.stream().filter(name -> !name.isEmpty()).collect(Collectors.joining(", ", "", ""));
    }
}
