import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.util.Collections;

/**
 * Reads many key stores in one Java machine, for tests. It keeps to what Java 8 has.
 *
 * <p>{@code Stores TYPE [PROVIDER]} answers each line of stores.txt, "FILE PASSWORD", with a line, "= " and how many private keys
 * it could open and use with their certificates, and how many trusted certificates it sees, or "refused" and why.
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
      System.out.println("= " + read(words[0], words[1].toCharArray(), args[0], provider));
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
        Certificate[] chain = store.getCertificateChain(alias);
        if (key != null && chain != null && fits((PrivateKey) key, chain[0].getPublicKey(), provider)) {
          keys++;
        }
      }
    } catch (Exception | LinkageError e) {
      return "refused " + e.toString().replace('\n', ' ');
    }
    return keys + " " + trusted;
  }

  /** Whether the private key makes signatures that the public key accepts, or is there to agree on keys. */
  private static boolean fits(PrivateKey key, PublicKey certified, Provider provider) throws Exception {
    String algorithm = key.getAlgorithm();
    switch (algorithm) {
      case "RSA":
      case "DSA":
        algorithm = "SHA256with" + algorithm;
        break;
      case "EC":
      case "ECDSA":
        algorithm = "SHA256withECDSA";
        break;
      case "DH":
      case "XDH":
        KeyFactory.getInstance(algorithm);
        return algorithm.equals(certified.getAlgorithm());
      default:
    }
    Signature signature = provider == null ? Signature.getInstance(algorithm) : Signature.getInstance(algorithm, provider);
    if (algorithm.equals("RSASSA-PSS")) {
      signature.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
    }
    signature.initSign(key);
    signature.update(new byte[1]);
    byte[] signed = signature.sign();
    signature.initVerify(certified);
    signature.update(new byte[1]);
    return signature.verify(signed);
  }
}
