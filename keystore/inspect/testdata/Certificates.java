import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.cert.CertificateFactory;

/**
 * Answers each line of stores.txt, "FILE PASSWORD", with "yes" or "no": whether keytool -importcert would take the file
 * for a certificate. It keeps to what Java 8 has.
 */
public class Certificates {
  public static void main(String[] args) throws Exception {
    String input = new String(Files.readAllBytes(Paths.get("stores.txt")), StandardCharsets.UTF_8);
    for (String line : input.split("\n")) {
      System.out.println(reads(line.split(" ", 2)[0]) ? "yes" : "no");
    }
  }

  private static boolean reads(String file) {
    try (InputStream in = new FileInputStream(new File(file))) {
      CertificateFactory.getInstance("X.509").generateCertificate(in);
      return true;
    } catch (Exception e) {
      return false;
    }
  }
}
