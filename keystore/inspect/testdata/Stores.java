import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.Provider;
import java.security.Security;
import java.util.Collections;

/**
 * Reads many key stores in one Java machine, for tests. It keeps to what Java 8 has.
 *
 * <p>{@code Stores TYPE [PROVIDER]} answers each line of stores.txt, "FILE PASSWORD", with a line: how many private keys
 * it could open and use that have a certificate, and how many trusted certificates it sees, or "refused" and why.
 */
public class Stores {
  public static void main(String[] args) throws Exception {
    Provider provider = null;
    if (args.length > 1) {
      provider = (Provider) Class.forName(args[1]).getConstructor().newInstance();
      Security.addProvider(provider);
    }
    String input = new String(Files.readAllBytes(Paths.get("stores.txt")), StandardCharsets.UTF_8);
    for (String line : input.split("\n")) {
      String[] words = line.split(" ", 2);
      System.out.println(read(words[0], words[1].toCharArray(), args[0], provider));
    }
  }

  private static String read(String file, char[] password, String type, Provider provider) {
    int keys = 0;
    int trusted = 0;
    try (InputStream in = new FileInputStream(new File(file))) {
      KeyStore store = provider == null ? KeyStore.getInstance(type) : KeyStore.getInstance(type, provider);
      store.load(in, password);
      for (String alias : Collections.list(store.aliases())) {
        if (store.isCertificateEntry(alias)) {
          trusted++;
          continue;
        }
        Key key = store.getKey(alias, password);
        if (key != null && store.getCertificateChain(alias) != null) {
          KeyFactory.getInstance(key.getAlgorithm()); // it is of no use where this fails
          keys++;
        }
      }
    } catch (Exception | LinkageError e) {
      return "refused " + e.toString().replace('\n', ' ');
    }
    return keys + " " + trusted;
  }
}
