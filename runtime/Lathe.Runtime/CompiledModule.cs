using System.Diagnostics.CodeAnalysis;

namespace Lathe.Runtime;

/// <summary>
/// What a kernel assembly offers the runtime: its plan, its weights and its functions. Every kernel assembly has one public sealed
/// class derived from this one, named by a <see cref="CompiledModuleAttribute"/>.
/// </summary>
public abstract class CompiledModule
{
    /// <summary>The version of the plan's form and of the kernel ABI that the assembly was made for.</summary>
    public abstract int Version { get; }

    /// <summary>Opens the plan in the form of <c>Plans.PlanFormat</c>.</summary>
    public abstract Stream OpenPlan();

    /// <summary>Opens the weights, or null where they are a file beside the assembly.</summary>
    public abstract Stream? OpenWeights();

    /// <summary>The name of the weights' file where <see cref="OpenWeights"/> gives null.</summary>
    public abstract string? WeightsFile { get; }

    /// <summary>
    /// The address of a kernel: <c>delegate*&lt;byte**, nint*, nint, nint, byte*, int&gt;</c>, that is
    /// <c>int kernel(byte** buffers, nint* dims, nint from, nint to, byte* scratch)</c>, where [from, to) is a slice of the parallel axis.
    /// It returns 0, or an error code that the runtime turns into an exception.
    /// </summary>
    /// <param name="index">A <see cref="Plans.PlanVariant.Function"/>.</param>
    public abstract nint GetFunction(int index);

    /// <summary>
    /// The class whose static method a kernel is, under the name of <see cref="Plans.PlanKernel.Name"/>, with the methods that it is divided into beside it, named
    /// <c>NAME_PartN</c>. Null where that is not known: the kernel is then compiled when it is first called.
    /// </summary>
    /// <param name="index">A <see cref="Plans.PlanVariant.Function"/>.</param>
    public virtual Type? GetFunctionType(int index) => null;

    /// <summary>Opens the native code of a <see cref="Plans.PlanNativeCode"/>; null if there is none.</summary>
    /// <param name="isa">The name of its instruction set.</param>
    public virtual Stream? OpenNativeCode(string isa) => null;

    /// <summary>
    /// The address of <see cref="Native.LinkedCode"/>, the same code where it is part of the program: nothing is then mapped for it. 0 if the model was not compiled for that.
    /// </summary>
    /// <exception cref="DllNotFoundException">It is not part of the program.</exception>
    /// <exception cref="EntryPointNotFoundException">What is there is of another compilation.</exception>
    public virtual nint FindLinkedCode() => 0;

    /// <summary>The file name of the shared library that has the native code in place of <see cref="OpenNativeCode"/>; null if none has.</summary>
    public virtual string? NativeLibrary => null;

    /// <summary>Opens the device that is named by <see cref="Devices.DeviceSetup.Device"/>; null if the assembly has no kernels for it.</summary>
    /// <param name="setup">What the device needs of the model.</param>
    /// <exception cref="LatheException">LATHE0510: there is no such device. LATHE0511: it fails. LATHE0512: it cannot build or run the kernels.</exception>
    public virtual Devices.DeviceModel? OpenDevice(Devices.DeviceSetup setup) => null;
}

/// <summary>Names the <see cref="CompiledModule"/> of a kernel assembly.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class CompiledModuleAttribute(
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] Type module) : Attribute
{
    /// <summary>The class; it has a public parameterless constructor.</summary>
    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)]
    public Type Module { get; } = module;
}
