import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.FileReader;
import java.io.FileWriter;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSAbsentContent;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.openssl.jcajce.JceOpenSSLPKCS8DecryptorProviderBuilder;
import org.bouncycastle.openssl.jcajce.JceOpenSSLPKCS8EncryptorBuilder;
import org.bouncycastle.openssl.jcajce.JcePEMDecryptorProviderBuilder;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;
import org.bouncycastle.pkcs.jcajce.JcePKCSPBEInputDecryptorProviderBuilder;

/** Reads and writes files with BouncyCastle. */
class Bouncy {
    static final Provider BC = new BouncyCastleProvider();

    public static void main(String[] none) throws Exception {
        Security.addProvider(BC);
        System.out.println("version\t" + BC.getVersionStr());
        Protocol.serve(Bouncy::read, Bouncy::write);
    }

    static void read(String[] job, List<Protocol.Entry> none, PrintStream out) throws Exception {
        switch (job[1]) {
            case "PEM":
                readPEM(job[2], job[3].toCharArray(), out);
                break;
            case "PKCS7":
                bundle(new CMSSignedData(Files.readAllBytes(Paths.get(job[2]))), out);
                break;
            case "DER":
                certificate(new X509CertificateHolder(Files.readAllBytes(Paths.get(job[2]))), out);
                break;
            default:
                readStore(KeyStore.getInstance(job[1], BC), job[2], job[3].toCharArray(), out);
        }
    }

    static void readStore(KeyStore store, String file, char[] password, PrintStream out) throws Exception {
        try (InputStream in = new FileInputStream(file)) {
            store.load(in, password.length == 0 ? null : password); // it wants none where there is none
        }
        for (String alias : Collections.list(store.aliases())) {
            if (store.isKeyEntry(alias)) {
                Certificate[] chain = store.getCertificateChain(alias);
                Protocol.print(out, "key", alias, store.getKey(alias, password).getEncoded(), chain == null ? new Certificate[0] : chain);
            } else {
                Protocol.print(out, "trusted", alias, new byte[0], store.getCertificate(alias));
            }
        }
    }

    static void readPEM(String file, char[] password, PrintStream out) throws Exception {
        try (PEMParser in = new PEMParser(new FileReader(file))) {
            for (Object o; (o = in.readObject()) != null; ) {
                if (o instanceof PEMEncryptedKeyPair) {
                    o = ((PEMEncryptedKeyPair) o).decryptKeyPair(new JcePEMDecryptorProviderBuilder().setProvider(BC).build(password));
                }
                if (o instanceof PEMKeyPair) {
                    o = ((PEMKeyPair) o).getPrivateKeyInfo();
                }
                if (o instanceof PKCS8EncryptedPrivateKeyInfo) {
                    o = ((PKCS8EncryptedPrivateKeyInfo) o)
                        .decryptPrivateKeyInfo(new JceOpenSSLPKCS8DecryptorProviderBuilder().setProvider(BC).build(password));
                }
                if (o instanceof PrivateKeyInfo) {
                    Protocol.print(out, "key", "", ((PrivateKeyInfo) o).getEncoded());
                } else if (o instanceof X509CertificateHolder) {
                    certificate((X509CertificateHolder) o, out);
                } else if (o instanceof ContentInfo) {
                    bundle(new CMSSignedData((ContentInfo) o), out);
                }
            }
        }
    }

    static void bundle(CMSSignedData data, PrintStream out) throws Exception {
        for (X509CertificateHolder c : data.getCertificates().getMatches(null)) {
            certificate(c, out);
        }
    }

    static void certificate(X509CertificateHolder c, PrintStream out) throws Exception {
        Protocol.print(out, "cert", "", new byte[0], Protocol.parse(new String[] {
            "cert", "", "", Base64.getEncoder().encodeToString(c.getEncoded())}).chain.get(0));
    }

    static void write(String[] job, List<Protocol.Entry> entries, PrintStream out) throws Exception {
        switch (job[1]) {
            case "PEM":
                writePEM(entries.get(0), job[2], job[3]);
                break;
            case "PKCS7":
                CMSSignedDataGenerator bundle = new CMSSignedDataGenerator();
                bundle.addCertificates(new JcaCertStore(certificates(entries)));
                Files.write(Paths.get(job[2]), bundle.generate(new CMSAbsentContent()).getEncoded());
                break;
            default:
                writeStore(KeyStore.getInstance(job[1], BC), entries, job[2], job[3].toCharArray());
        }
    }

    static void writeStore(KeyStore store, List<Protocol.Entry> entries, String file, char[] password) throws Exception {
        store.load(null, password);
        for (Protocol.Entry e : entries) {
            if (e.kind.equals("key")) {
                store.setKeyEntry(e.alias, key(e), password, e.array());
            } else {
                store.setCertificateEntry(e.alias, e.chain.get(0));
            }
        }
        try (OutputStream to = new FileOutputStream(file)) {
            store.store(to, password);
        }
    }

    static void writePEM(Protocol.Entry e, String file, String password) throws Exception {
        try (JcaPEMWriter to = new JcaPEMWriter(new FileWriter(file))) {
            to.writeObject(password.isEmpty() ? new JcaPKCS8Generator(key(e), null)
                : new JcaPKCS8Generator(key(e), new JceOpenSSLPKCS8EncryptorBuilder(JcaPKCS8Generator.AES_256_CBC)
                    .setProvider(BC).setRandom(new SecureRandom()).setPassword(password.toCharArray()).build()));
            for (Certificate c : e.chain) {
                to.writeObject(c);
            }
        }
    }

    static PrivateKey key(Protocol.Entry e) throws Exception {
        PrivateKeyInfo info = PrivateKeyInfo.getInstance(e.key);
        String algorithm = info.getPrivateKeyAlgorithm().getAlgorithm().getId();
        return KeyFactory.getInstance(algorithm, BC).generatePrivate(new PKCS8EncodedKeySpec(e.key));
    }

    static List<Certificate> certificates(List<Protocol.Entry> entries) {
        List<Certificate> all = new ArrayList<>();
        for (Protocol.Entry e : entries) {
            all.addAll(e.chain);
        }
        return all;
    }
}
