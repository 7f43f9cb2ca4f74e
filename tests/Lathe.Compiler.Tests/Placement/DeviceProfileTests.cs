using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Placement;
using Lathe.Runtime.Devices;

namespace Lathe.Compiler.Tests.Placement;

/// <summary>The text of profiles.</summary>
public sealed class DeviceProfileTests
{
    [Test]
    public void Shipped_profiles_are_of_all_devices_and_read_back()
    {
        Assert.That(DeviceProfileText.Shipped.Keys, Is.EquivalentTo(DeviceList.Known));
        string text = DeviceProfileText.Write(DeviceProfileText.Shipped.Values);
        Assert.That(DeviceProfileText.Write(DeviceProfileText.Parse(text).Values), Is.EqualTo(text));
    }

    [Test]
    public void What_a_profile_does_not_say_is_as_shipped()
    {
        IReadOnlyDictionary<string, DeviceProfile> profiles = DeviceProfileText.Parse("""{ "devices": [ { "device": "SIM", "launch_us": 7, "unsupported": ["Relu", "MaxPool"] } ] }""");
        Assert.That(profiles["SIM"], Is.EqualTo(DeviceProfileText.Shipped["SIM"] with { LaunchUs = 7, Unsupported = profiles["SIM"].Unsupported }));
        Assert.That(profiles["SIM"].Unsupported, Is.EqualTo(new[] { "Relu", "MaxPool" }));
        Assert.That(profiles["CPU"], Is.SameAs(DeviceProfileText.Shipped["CPU"]));
    }

    [Test]
    public void A_step_takes_its_products_or_its_bytes_whichever_are_more()
    {
        DeviceProfile profile = new("SIM") { Gmacs = new Dictionary<string, double> { ["fp32"] = 100 }, BandwidthGbs = 10, LaunchUs = 5, TransferUs = 20, TransferGbs = 2, Efficiency = new Dictionary<string, double> { ["Gemm"] = 0.5 } };
        Assert.That(profile.StepUs("Conv+Relu", "fp32", 1e6, 0), Is.EqualTo(15).Within(1e-9));
        Assert.That(profile.StepUs("Conv+Gemm", "fp32", 1e6, 0), Is.EqualTo(25).Within(1e-9));
        Assert.That(profile.StepUs("Conv", "fp32", 1e6, 1e6), Is.EqualTo(105).Within(1e-9));
        Assert.That(profile.StepUs("Gemm+Relu", "fp32", 0, 1e6), Is.EqualTo(205).Within(1e-9));
        Assert.That(profile.CopyUs(1e6), Is.EqualTo(520).Within(1e-9));
    }

    [TestCase("{", "line 1: it is no JSON")]
    [TestCase("[]", "no object with an array")]
    [TestCase("""{ "devices": [ { "launch_us": 1 } ] }""", "a device has no name")]
    [TestCase("""{ "devices": [ { "device": "NPU" } ] }""", "there is no device 'NPU'")]
    [TestCase("""{ "devices": [ { "device": "GPU" }, { "device": "GPU" } ] }""", "'GPU' is in it twice")]
    [TestCase("""{ "devices": [ { "device": "GPU", "launch": 1 } ] }""", "GPU: there is no 'launch' in profiles")]
    [TestCase("""{ "devices": [ { "device": "GPU", "launch_us": -1 } ] }""", "GPU: 'launch_us' is not a number from 0")]
    [TestCase("""{ "devices": [ { "device": "GPU", "bandwidth_gbs": 0 } ] }""", "GPU: 'bandwidth_gbs' is not a number from 1E-06")]
    [TestCase("""{ "devices": [ { "device": "GPU", "bandwidth_gbs": 1e-300 } ] }""", "GPU: 'bandwidth_gbs' is not a number from 1E-06")]
    [TestCase("""{ "devices": [ { "device": "CPU", "gmacs": { "fp32": 1e999 } } ] }""", "CPU: 'gmacs' is not a number from 1E-06")]
    [TestCase("""{ "devices": [ { "device": "GPU", "requests": 0.5 } ] }""", "GPU: 'requests' is not an integer from 1 to 2147483647")]
    [TestCase("""{ "devices": [ { "device": "GPU", "requests": 3e9 } ] }""", "GPU: 'requests' is not an integer from 1 to 2147483647")]
    [TestCase("""{ "devices": [ { "device": "GPU", "memory_bytes": 0.1 } ] }""", "GPU: 'memory_bytes' is not an integer from 0")]
    [TestCase("""{ "devices": [ { "device": "GPU", "origin": "\ud800" } ] }""", "no Unicode")]
    [TestCase("""{ "devices": [ { "device": "GPU", "\ud800": 1 } ] }""", "no Unicode")]
    [TestCase("""{ "devices": [ { "device": "GPU", "launch_us": "1" } ] }""", "GPU: 'launch_us' is not a number")]
    [TestCase("""{ "devices": [ { "device": "GPU", "gmacs": { "fp64": 1 } } ] }""", "GPU: 'fp64' in 'gmacs' is not a precision")]
    [TestCase("""{ "devices": [ { "device": "GPU", "gmacs": { } } ] }""", "GPU: 'gmacs', 'bandwidth_gbs' and 'transfer_gbs' are needed")]
    [TestCase("""{ "devices": [ { "device": "GPU", "unsupported": ["Convolution"] } ] }""", "GPU: 'Convolution' in 'unsupported' is not an operator")]
    [TestCase("""{ "devices": [ { "device": "GPU", "unsupported": [1] } ] }""", "GPU: 'unsupported' is not a list of texts")]
    public void Says_what_is_wrong(string text, string message)
    {
        DiagnosticException refused = Assert.Throws<DiagnosticException>(() => DeviceProfileText.Parse(text))!;
        Assert.That(refused.Diagnostic.Descriptor.Id, Is.EqualTo("LATHE0236"));
        Assert.That(refused.Diagnostic.Message, Does.Contain(message));
    }

    [TestCase("HETERO:GPU,CPU", "GPU CPU")]
    [TestCase("HETERO:SIM,GPU,CPU", "SIM GPU CPU")]
    [TestCase("HETERO:CPU", "CPU")]
    public void Reads_lists_of_devices(string text, string devices) => Assert.That(DeviceList.Parse(text), Is.EqualTo(devices.Split(' ')));

    [TestCase("HETERO:NPU,CPU", "LATHE0232", "there is no device 'NPU'")]
    [TestCase("HETERO:", "LATHE0232", "there is no device ''")]
    [TestCase("HETERO:GPU,GPU,CPU", "LATHE0233", "GPU is in it twice")]
    [TestCase("HETERO:GPU", "LATHE0233", "HETERO:GPU,CPU")]
    public void Refuses_lists_of_devices(string text, string id, string message)
    {
        DiagnosticException refused = Assert.Throws<DiagnosticException>(() => DeviceList.Parse(text))!;
        Assert.That(refused.Diagnostic.Descriptor.Id, Is.EqualTo(id));
        Assert.That(refused.Diagnostic.Message, Does.Contain(message));
    }
}
