namespace Lathe.Package.Tests;

/// <summary>Models whose items name a device.</summary>
public sealed class DeviceTests
{
    [Test]
    public void Gpu_BringsTheAssemblyThatOpensIt_AndOnlyThen()
    {
        Consumer app = new Consumer("device").WithCharacters()
            .Project("""<OnnxModel Include="characters.onnx" Class="MyApp.Recognizer" Mean="128" Scale="64" Device="GPU" />""").Write("Program.cs", Programs.Reads);
        app.Build();
        Assert.That(File.Exists(app["bin/Debug/net10.0/Lathe.Runtime.OpenCl.dll"]), Is.True);
        // Any driver will do; without one the program says so, which is another test.
        if (Directory.Exists("/etc/OpenCL/vendors") && Directory.GetFiles("/etc/OpenCL/vendors", "*.icd").Length > 0) Assert.That(app.Run(arguments: app.Folder), Does.StartWith("A "));
        Consumer other = new Consumer("no-device").WithCharacters().Project(Programs.Item).Write("Program.cs", Programs.Reads);
        other.Build();
        Assert.That(File.Exists(other["bin/Debug/net10.0/Lathe.Runtime.OpenCl.dll"]), Is.False);
        Assert.That(File.Exists(other["bin/Debug/net10.0/Lathe.Runtime.Simulation.dll"]), Is.False);
    }

    [Test]
    public void SeveralDevices_BringTheAssembliesOfTheirs()
    {
        Consumer app = new Consumer("devices").WithCharacters()
            .Project("""<OnnxModel Include="characters.onnx" Class="MyApp.Recognizer" Mean="128" Scale="64" Device="HETERO:SIM,CPU" />""").Write("Program.cs", Programs.Reads);
        app.Build();
        Assert.That(File.Exists(app["bin/Debug/net10.0/Lathe.Runtime.Simulation.dll"]), Is.True);
        Assert.That(File.Exists(app["bin/Debug/net10.0/Lathe.Runtime.OpenCl.dll"]), Is.False);
        Assert.That(app.Run(arguments: app.Folder), Does.StartWith("A "));
    }

    [Test]
    public void SeveralDevices_ShareTheModel_ByRulesThatAreInputsOfTheBuild()
    {
        Consumer app = new Consumer("devices-by-rules").WithCharacters()
            .Project("""<OnnxModel Include="characters.onnx" Class="MyApp.Recognizer" Mean="128" Scale="64" Device="HETERO:SIM,CPU" Affinity="rules.txt" DeviceFallback="off" RequireDevice="true" />""")
            .Write("rules.txt", "/./ = SIM\n").Write("Program.cs", Programs.Reads);
        app.Build();
        Assert.That(File.Exists(app["bin/Debug/net10.0/Lathe.Runtime.Simulation.dll"]), Is.True);
        Assert.That(File.Exists(app["bin/Debug/net10.0/Lathe.Runtime.OpenCl.dll"]), Is.False);
        Assert.That(app.Run(arguments: app.Folder), Does.StartWith("A "));
        app.Write("rules.txt", "nothing = SIM\n");
        Assert.That(app.TryBuild().Problems, Has.Some.Contains("LATHE0231"));
    }
}
