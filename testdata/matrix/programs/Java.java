import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.security.Key;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads stores as applications do, through KeyStore, and checks that keytool lists the same; and certificates by keytool. */
class Java {
    public static void main(String[] none) throws Exception {
        System.out.println("version\t" + System.getProperty("java.version"));
        Protocol.serve((job, entries, out) -> {
            if (job[1].equals("certificates")) {
                pem(keytool("-printcert", "-rfc", "-file", job[2]), out);
            } else {
                store(job[1], job[2], job[3], out);
            }
        }, null);
    }

    static void store(String type, String file, String password, PrintStream out) throws Exception {
        KeyStore store = KeyStore.getInstance(type);
        try (InputStream in = new FileInputStream(file)) {
            store.load(in, password.toCharArray());
        }
        List<String> shown = new ArrayList<>();
        for (String alias : Collections.list(store.aliases())) {
            if (store.isKeyEntry(alias)) {
                Key key = store.getKey(alias, password.toCharArray());
                Certificate[] chain = store.getCertificateChain(alias);
                shown.add(alias + " PrivateKeyEntry " + chain.length);
                Protocol.print(out, "key", alias, key.getEncoded(), chain);
            } else {
                shown.add(alias + " trustedCertEntry null");
                Protocol.print(out, "trusted", alias, new byte[0], store.getCertificate(alias));
            }
        }
        List<String> listed = new ArrayList<>();
        Matcher entry = Pattern.compile("Alias name: (.*)\n.*\nEntry type: (\\w+)(?:\nCertificate chain length: (\\d+))?")
            .matcher(keytool("-list", "-rfc", "-keystore", file, "-storetype", type, "-storepass", password));
        while (entry.find()) {
            listed.add(entry.group(1) + " " + entry.group(2) + " " + entry.group(3));
        }
        Collections.sort(shown);
        Collections.sort(listed);
        if (!listed.equals(shown)) {
            throw new Exception("keytool lists " + listed + ", KeyStore has " + shown);
        }
    }

    /** Prints the certificates of keytool's text. */
    static void pem(String text, PrintStream out) {
        Matcher block = Pattern.compile("-----BEGIN CERTIFICATE-----([^-]*)-----END").matcher(text);
        while (block.find()) {
            out.println("cert\t\t\t" + block.group(1).replaceAll("\\s", ""));
        }
    }

    /** Runs one command of keytool, with -debug, since without it a failure ends the JVM. */
    static String keytool(String... args) throws Exception {
        List<String> all = new ArrayList<>(List.of(args));
        all.add("-debug");
        PrintStream before = System.out;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true, "UTF-8"));
        try {
            sun.security.tools.keytool.Main.main(all.toArray(new String[0]));
        } finally {
            System.setOut(before);
        }
        return printed.toString("UTF-8");
    }
}
