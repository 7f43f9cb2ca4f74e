using Lathe.Kernels.Llvm;
using Lathe.Kernels.Llvm.Objects;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime.Native;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>From text to code that can be mapped.</summary>
public sealed class NativeCodeTests
{
    private static readonly CpuLevel Level = CpuLevel.Of(Isa.Avx2)!;

    [OneTimeSetUp]
    public void NeedsLibLLVM()
    {
        if (ObjectCompiler.Version is null) Assert.Ignore("No libLLVM is installed.");
    }

    [Test]
    public void Code_ThatNeedsAnotherFunction_IsRefused()
    {
        byte[] file = ObjectCompiler.Compile("declare void @memcpy(ptr, ptr, i64)\ndefine void @kernel(ptr %a, ptr %b) nounwind {\n  call void @memcpy(ptr %a, ptr %b, i64 99)\n  ret void\n}\n", Level);
        Assert.That(() => Flattening.Run(file, ["kernel"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("memcpy"));
    }

    [Test]
    public void Code_ThatDependsOnItsAddress_IsRefused()
    {
        byte[] file = ObjectCompiler.Compile("@place = hidden global ptr @kernel\ndefine hidden ptr @kernel() nounwind {\n  %p = load ptr, ptr @place\n  ret ptr %p\n}\n", Level);
        Assert.That(() => Flattening.Run(file, ["kernel"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("depends on where it lies"));
    }

    [Test]
    public void Function_ThatIsNotThere_IsNamed() => Assert.That(() => Flattening.Run(Sample(out _), ["other"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("other"));

    [Test]
    public void Text_ThatIsWrong_IsReported() => Assert.That(() => ObjectCompiler.Compile("define i32 @f() { ret i64 1 }", Level), Throws.InvalidOperationException.With.Message.Contains("libLLVM"));

    [Test]
    public void SameKernel_GivesTheSameBytes()
    {
        byte[] file = Sample(out string name);
        Assert.That(Flattening.Run(Sample(out _), [name]).Code, Is.EqualTo(Flattening.Run(file, [name]).Code));
    }

    [Test]
    public void ObjectFile_ThatIsDamaged_IsRefusedOrRead()
    {
        byte[] file = Sample(out string name);
        Random random = new(1);
        int refused = 0;
        for (int n = 0; n < 4000; n++)
        {
            byte[] damaged = n % 4 == 0 ? file[..random.Next(file.Length)] : [.. file];
            // Most bytes are code; what is read are the header and the tables, which lie at the end.
            for (int i = 0; i < 3 && damaged.Length > 0; i++) damaged[random.Next(2) == 0 ? random.Next(damaged.Length) : Math.Max(0, damaged.Length - 1 - random.Next(2000))] = (byte)random.Next(256);
            try
            {
                Flattening.Run(damaged, [name]);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        Assert.That(refused, Is.GreaterThan(1000));
    }

    [Test]
    public void Memory_IsMappedWithoutBeingWritable()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("Asks /proc.");
        // mov eax, 42; ret
        using ExecutableMemory memory = ExecutableMemory.TryMap([0xB8, 42, 0, 0, 0, 0xC3])!;
        unsafe
        {
            Assert.That(((delegate* unmanaged<int>)memory.Address)(), Is.EqualTo(42));
        }

        string line = File.ReadLines("/proc/self/maps").Single(l => l.StartsWith(memory.Address.ToString("x"), StringComparison.Ordinal));
        Assert.That(line.Split(' ')[1], Is.EqualTo("r-xp"));
    }

    private static byte[] Sample(out string name)
    {
        ScheduledKernel kernel = KernelCompiler.Compile(Emitted.Sample.Convolution(1, 16, 16, 2, 3, 3, pad: 1), Machine.Avx2);
        name = kernel.Kernel.Name;
        return ObjectCompiler.Compile(LlvmPrinter.Print(Machine.Avx2, Level, [kernel.Kernel]), Level);
    }
}
