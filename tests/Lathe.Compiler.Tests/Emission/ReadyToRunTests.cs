using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Lathe.Compiler.Emission;

namespace Lathe.Compiler.Tests.Emission;

public sealed class ReadyToRunTests
{
    private const string Source = """
        using System.Runtime.CompilerServices;
        public static class Kernels
        {
            [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
            public static int Fast(int a) => a + 1;

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            public static int Inlined(int a) => a + 2;

            public static int Plain(int a) => a + 3;
        }
        """;

    [Test]
    public void Prepared_HasNoMethodThatIsPassedOver_AndIsOtherwiseTheSame()
    {
        byte[] assembly = Compile(Source), prepared = ReadyToRun.Prepare(assembly);
        Assert.That(Flags(assembly)["Fast"], Is.EqualTo(MethodImplAttributes.AggressiveOptimization | MethodImplAttributes.NoInlining));
        Assert.That(Flags(prepared)["Fast"], Is.EqualTo(MethodImplAttributes.NoInlining));
        Assert.That(Flags(prepared)["Inlined"], Is.EqualTo(MethodImplAttributes.AggressiveInlining));
        Assert.That(prepared.Zip(assembly).Count(pair => pair.First != pair.Second), Is.EqualTo(1));
    }

    [Test]
    public void Finished_HasTheFlagsOfTheAssembly()
    {
        byte[] assembly = Compile(Source);
        Assert.That(ReadyToRun.Finish(ReadyToRun.Prepare(assembly), assembly), Is.EqualTo(assembly));
    }

    [Test]
    public void ImageOfAnotherAssembly_IsRefused() =>
        Assert.That(() => ReadyToRun.Finish(Compile("public static class Other { public static void One() { } }"), Compile(Source)), Throws.TypeOf<BadImageFormatException>());

    private static byte[] Compile(string source) =>
        KernelAssembly.Compile("Test", new Dictionary<string, string> { ["Test.cs"] = source }, new Dictionary<string, byte[]>(), debug: false, CancellationToken.None).Assembly;

    private static Dictionary<string, MethodImplAttributes> Flags(byte[] assembly)
    {
        using PEReader file = new(new MemoryStream(assembly));
        MetadataReader metadata = file.GetMetadataReader();
        return metadata.MethodDefinitions.Select(metadata.GetMethodDefinition).ToDictionary(method => metadata.GetString(method.Name), method => method.ImplAttributes);
    }
}
