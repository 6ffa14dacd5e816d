import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Runs the jobs of standard input, one after another; ../protocol_test.go says what the lines are. */
class Protocol {
    /** A job to read or to write one file. */
    interface Job {
        void run(String[] job, List<Entry> entries, PrintStream out) throws Throwable;
    }

    /** One line of a file's content: a key with its chain, a trusted certificate, or one that is neither. */
    static class Entry {
        String kind;
        String alias;
        byte[] key;
        List<Certificate> chain = new ArrayList<>();

        Certificate[] array() {
            return chain.toArray(new Certificate[0]);
        }
    }

    static void serve(Job read, Job write) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            List<Entry> entries = new ArrayList<>();
            String[] job = line.split("\t", -1);
            while (!(line = in.readLine()).equals("end")) {
                entries.add(parse(line.split("\t", -1)));
            }
            try {
                (job[0].equals("read") ? read : write).run(job, entries, out);
            } catch (Throwable e) {
                while (e.getCause() != null) {
                    e = e.getCause();
                }
                out.println("error\t" + e.toString().replaceAll("\\s+", " "));
            }
            out.println("end");
        }
    }

    static Entry parse(String[] fields) throws Exception {
        Entry entry = new Entry();
        entry.kind = fields[0];
        entry.alias = fields[1];
        entry.key = Base64.getDecoder().decode(fields[2]);
        for (String cert : fields[3].isEmpty() ? new String[0] : fields[3].split(",")) {
            entry.chain.add(CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(Base64.getDecoder().decode(cert))));
        }
        return entry;
    }

    static void print(PrintStream out, String kind, String alias, byte[] key, Certificate... chain) throws Exception {
        List<String> certs = new ArrayList<>();
        for (Certificate c : chain) {
            certs.add(Base64.getEncoder().encodeToString(c.getEncoded()));
        }
        out.println(String.join("\t", kind, alias, Base64.getEncoder().encodeToString(key), String.join(",", certs)));
    }
}
