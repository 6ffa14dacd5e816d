import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.eclipse.paho.client.mqttv3.IMqttMessageListener;
import org.eclipse.paho.client.mqttv3.MqttClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/**
 * Publishes, subscribes, or both, over MQTT 3.1.1 with Eclipse Paho and the key stores that the scripts make.
 *
 * <p>Run as it is, with Java 11 or newer: {@code java -cp paho.jar MqttSample.java -a both -b localhost -p 8885 ...}.
 * The exit code is 0 when everything asked for happened, 1 when not, 2 for a wrong command line.
 */
public final class MqttSample {
    private static final String USAGE = String.join(System.lineSeparator(),
        "usage: MqttSample [options]",
        "  -a publish|subscribe|both  what to do (publish); both subscribes, publishes and waits for its own message",
        "  -t TOPIC     (mqttpki/sample)",
        "  -m TEXT      the message (Hello from MqttSample)",
        "  -s 0|1|2     quality of service (2)",
        "  -b HOST      broker (localhost)",
        "  -p PORT      (1883)",
        "  -i ID        client id (MqttSample_ and the action)",
        "  -c true|false  clean session (true)",
        "  -n COUNT     messages to wait for when subscribing; 0 waits until interrupted (0)",
        "  -k FILE      key store with the client's key: connects with TLS",
        "  -w SOURCE    its password: env:NAME or file:PATH (the password itself works, but others can see it)",
        "  -r FILE      trust store: connects with TLS",
        "  -x SOURCE    its password, as for -w; a JKS file can be read without one, a PKCS12 file seldom can",
        "  -v true|false  check that the server's certificate is for HOST (true); its issuer is always checked",
        "  -q           print errors only",
        "Stores are PKCS12 when they are called .p12, .pfx or .pkcs12, and JKS otherwise.");

    private static final int TIMEOUT_SECONDS = 15;

    private String action = "publish";
    private String topic = "mqttpki/sample";
    private String message = "Hello from MqttSample";
    private int qos = 2;
    private String host = "localhost";
    private int port = 1883;
    private String clientId = "";
    private boolean cleanSession = true;
    private int count;
    private String keyStore;
    private String keyStorePassword;
    private String trustStore;
    private String trustStorePassword;
    private boolean verify = true;
    private boolean quiet;

    public static void main(String[] args) {
        MqttSample sample = new MqttSample();
        try {
            if (!sample.parse(args)) {
                System.out.println(USAGE);
                return;
            }
        } catch (IllegalArgumentException | IOException e) {
            System.err.println(e.getMessage());
            System.err.println(USAGE);
            System.exit(2);
        }
        try {
            sample.run();
        } catch (MqttException e) {
            System.err.println("failed: " + describe(e));
            System.exit(1);
        } catch (InterruptedException e) {
            System.exit(130);
        }
        System.exit(0); // Paho's timer thread would keep the process for some seconds
    }

    /** Reads the options; false when help was asked for. */
    private boolean parse(String[] args) throws IOException {
        for (int i = 0; i < args.length; i++) {
            String option = args[i];
            if (option.equals("-h")) {
                return false;
            }
            if (option.equals("-q")) {
                quiet = true;
                continue;
            }
            if (++i == args.length) {
                throw new IllegalArgumentException(option + " lacks its value");
            }
            set(option, args[i]);
        }
        if (keyStore != null && keyStorePassword == null) {
            throw new IllegalArgumentException("-k needs -w");
        }
        return true;
    }

    private void set(String option, String value) throws IOException {
        switch (option) {
            case "-a": action = oneOf(option, value, "publish", "subscribe", "both"); break;
            case "-t": topic = value; break;
            case "-m": message = value; break;
            case "-s": qos = Integer.parseInt(oneOf(option, value, "0", "1", "2")); break;
            case "-b": host = value; break;
            case "-p": port = number(option, value, 65535); break;
            case "-i": clientId = value; break;
            case "-c": cleanSession = Boolean.parseBoolean(oneOf(option, value, "true", "false")); break;
            case "-n": count = number(option, value, Integer.MAX_VALUE); break;
            case "-k": keyStore = value; break;
            case "-w": keyStorePassword = password(value); break;
            case "-r": trustStore = value; break;
            case "-x": trustStorePassword = password(value); break;
            case "-v": verify = Boolean.parseBoolean(oneOf(option, value, "true", "false")); break;
            default: throw new IllegalArgumentException(option + " is no option");
        }
    }

    private static String oneOf(String option, String value, String... allowed) {
        for (String a : allowed) {
            if (a.equals(value)) {
                return value;
            }
        }
        throw new IllegalArgumentException(option + " " + value + ": want " + String.join(" or ", allowed));
    }

    private static int number(String option, String value, int most) {
        try {
            int n = Integer.parseInt(value);
            if (n >= 0 && n <= most) {
                return n;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new IllegalArgumentException(option + " " + value + ": want a number from 0 to " + most);
    }

    /** Reads the password that source names. */
    private static String password(String source) throws IOException {
        if (source.startsWith("env:")) {
            String value = System.getenv(source.substring(4));
            if (value == null) {
                throw new IllegalArgumentException("the variable " + source.substring(4) + " is not set");
            }
            return value;
        }
        if (source.startsWith("file:")) {
            Path path = Path.of(source.substring(5));
            try (var lines = Files.lines(path, StandardCharsets.UTF_8)) {
                return lines.findFirst().orElseThrow(() -> new IllegalArgumentException(path + " is empty"));
            }
        }
        System.err.println("warning: a password on the command line can be seen by others; use env:NAME or file:PATH");
        return source;
    }

    private void run() throws MqttException, InterruptedException {
        switch (action) {
            case "publish":
                try (Connection c = new Connection("publish")) {
                    publish(c.client);
                }
                break;
            case "subscribe":
                try (Connection c = new Connection("subscribe")) {
                    CountDownLatch arrived = new CountDownLatch(count == 0 ? 1 : count);
                    subscribe(c.client, (t, m) -> {
                        print("message on " + t + ": " + text(m.getPayload()));
                        if (count > 0) {
                            arrived.countDown();
                        }
                    });
                    arrived.await();
                }
                break;
            default:
                both();
        }
    }

    /** Subscribes on one connection, publishes on another, and waits until the message has come. */
    private void both() throws MqttException, InterruptedException {
        try (Connection subscriber = new Connection("subscribe"); Connection publisher = new Connection("publish")) {
            CountDownLatch arrived = new CountDownLatch(1);
            subscribe(subscriber.client, (t, m) -> {
                print("message on " + t + ": " + text(m.getPayload()));
                if (text(m.getPayload()).equals(message)) {
                    arrived.countDown();
                }
            });
            publish(publisher.client);
            if (!arrived.await(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                throw new MqttException(MqttException.REASON_CODE_CLIENT_TIMEOUT);
            }
        }
    }

    private void publish(MqttClient client) throws MqttException {
        client.publish(topic, message.getBytes(StandardCharsets.UTF_8), qos, false);
        print("published to " + topic);
    }

    private void subscribe(MqttClient client, IMqttMessageListener listener) throws MqttException {
        client.subscribe(topic, qos, listener);
        print("subscribed to " + topic);
    }

    private static String text(byte[] payload) {
        return new String(payload, StandardCharsets.UTF_8);
    }

    private void print(String line) {
        if (!quiet) {
            System.out.println(line);
        }
    }

    /** Paho's message alone often is only "MqttException"; the cause says why. */
    private static String describe(Throwable e) {
        StringBuilder text = new StringBuilder(e.toString());
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            text.append(": ").append(cause);
        }
        return text.toString();
    }

    /** One connection to the broker, closed at the end of its block. */
    private final class Connection implements AutoCloseable {
        private final MqttClient client;

        Connection(String role) throws MqttException {
            boolean tls = keyStore != null || trustStore != null;
            String id = clientId.isEmpty() ? "MqttSample_" + role : clientId + (action.equals("both") ? "_" + role : "");
            client = new MqttClient((tls ? "ssl" : "tcp") + "://" + host + ":" + port, id, new MemoryPersistence());
            client.setTimeToWait(TIMEOUT_SECONDS * 1000L);
            MqttConnectOptions options = new MqttConnectOptions();
            options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
            options.setCleanSession(cleanSession);
            options.setConnectionTimeout(TIMEOUT_SECONDS);
            options.setHttpsHostnameVerificationEnabled(verify);
            if (tls) {
                options.setSSLProperties(sslProperties());
            }
            client.connect(options);
            print("connected to " + client.getServerURI());
        }

        @Override
        public void close() throws MqttException {
            if (client.isConnected()) {
                client.disconnect();
            }
            client.close();
        }
    }

    /** The settings in the names that Paho took over from its IBM ancestor. */
    private Properties sslProperties() {
        Properties p = new Properties();
        p.setProperty("com.ibm.ssl.protocol", "TLS");
        if (keyStore != null) {
            p.setProperty("com.ibm.ssl.keyStore", keyStore);
            p.setProperty("com.ibm.ssl.keyStoreType", storeType(keyStore));
            p.setProperty("com.ibm.ssl.keyStorePassword", keyStorePassword);
        }
        if (trustStore != null) {
            p.setProperty("com.ibm.ssl.trustStore", trustStore);
            p.setProperty("com.ibm.ssl.trustStoreType", storeType(trustStore));
            if (trustStorePassword != null) {
                p.setProperty("com.ibm.ssl.trustStorePassword", trustStorePassword);
            }
        }
        return p;
    }

    private static String storeType(String file) {
        String name = file.toLowerCase(Locale.ROOT);
        return name.endsWith(".p12") || name.endsWith(".pfx") || name.endsWith(".pkcs12") ? "PKCS12" : "JKS";
    }
}
