import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Runs many commands of the JDK's own keytool in one JVM. Each line of standard input is one command, its arguments
 * apart by tabs. Before them may stand "!" for one that is to fail, then system properties as -J-DNAME=VALUE, then lines
 * that it is to find on its standard input, each after a "&lt;". What a command prints ends with a byte 1.
 */
public class Keytool {
    public static void main(String[] none) throws Exception {
        System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8));
        System.setErr(System.out);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            List<String> args = new ArrayList<>(Arrays.asList(line.split("\t", -1)));
            boolean fails = args.get(0).equals("!");
            if (fails) {
                args.remove(0);
            }
            while (args.get(0).startsWith("-J-D")) {
                String[] property = args.remove(0).substring(4).split("=", 2);
                System.setProperty(property[0], property[1]);
            }
            StringBuilder typed = new StringBuilder();
            while (args.get(0).startsWith("<")) {
                typed.append(args.remove(0).substring(1)).append('\n');
            }
            System.setIn(new ByteArrayInputStream(typed.toString().getBytes(StandardCharsets.UTF_8)));
            args.add("-debug"); // without it keytool ends the JVM when it fails
            boolean failed = false;
            try {
                sun.security.tools.keytool.Main.main(args.toArray(new String[0]));
            } catch (Exception e) {
                failed = true;
            }
            if (failed != fails) {
                System.out.println("keytool " + (failed ? "failed: " : "did not fail: ") + args);
                System.exit(1);
            }
            System.out.print('\u0001');
        }
    }
}
